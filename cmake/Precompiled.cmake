# Reading the standard library takes a third of the time that a small file needs; it is read once.
# A build without (PIXMESH_PRECOMPILE=OFF, the preset apart) finds the include that somebody forgot.
option(PIXMESH_PRECOMPILE "Precompile the headers of the standard library" ON)
set(PIXMESH_STD_HEADERS <algorithm> <array> <chrono> <cstdint> <deque> <functional> <map> <memory>
                        <optional> <set> <span> <string> <string_view> <utility> <variant> <vector>)

# pixmesh_precompile(TARGET [<header>…]): the standard headers, shared by all targets that ask for no
# more; with a library's headers, both, for this target alone.
function(pixmesh_precompile target)
  if(NOT PIXMESH_PRECOMPILE)
    return()
  endif()
  list(JOIN ARGN " " asked)
  if(asked STREQUAL "")
    set(shared pixmesh_precompiled)
  elseif(asked STREQUAL "<doctest/doctest.h>")
    set(shared pixmesh_precompiled_test)
  else()
    target_precompile_headers(${target} PRIVATE ${PIXMESH_STD_HEADERS} ${ARGN})
    return()
  endif()
  if(NOT TARGET ${shared})
    set(empty ${PROJECT_BINARY_DIR}/${shared}.cc)
    if(NOT EXISTS ${empty})
      file(TOUCH ${empty})
    endif()
    add_library(${shared} OBJECT ${empty})
    target_compile_features(${shared} PUBLIC cxx_std_20)
    target_precompile_headers(${shared} PRIVATE ${PIXMESH_STD_HEADERS} ${ARGN})
  endif()
  target_precompile_headers(${target} REUSE_FROM ${shared})
endfunction()
