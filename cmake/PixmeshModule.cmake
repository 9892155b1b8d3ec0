# One folder is one target. A module sees only the headers of the modules it names in USES:
# its include folder holds nothing but itself, so an undeclared include is "file not found".
#
#   pixmesh_module(NAME ring USES base HEADERS hash_ring.h SOURCES hash_ring.cc [PRIVATE libs…]
#                  [PRECOMPILE <header>…])
#
# A module lies in the folder of its name; FOLDER says another one, for a module inside a folder:
# simulations_world in simulations/world.
function(pixmesh_module)
  cmake_parse_arguments(MODULE "" "NAME;FOLDER" "USES;HEADERS;SOURCES;PRIVATE;PRECOMPILE" ${ARGN})
  if(NOT MODULE_FOLDER)
    set(MODULE_FOLDER ${MODULE_NAME})
  endif()
  foreach(used IN LISTS MODULE_USES)
    if(NOT TARGET pixmesh::${used})
      message(FATAL_ERROR "${MODULE_NAME} uses ${used}, which is not declared below it")
    endif()
  endforeach()
  set(entry ${PROJECT_BINARY_DIR}/modules/${MODULE_NAME})
  cmake_path(GET MODULE_FOLDER PARENT_PATH above)
  file(MAKE_DIRECTORY ${entry}/${above})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${MODULE_FOLDER} ${entry}/${MODULE_FOLDER} SYMBOLIC)
  list(TRANSFORM MODULE_HEADERS PREPEND ${entry}/${MODULE_FOLDER}/)
  list(TRANSFORM MODULE_USES PREPEND pixmesh::)
  add_library(pixmesh_${MODULE_NAME} STATIC ${MODULE_SOURCES})
  add_library(pixmesh::${MODULE_NAME} ALIAS pixmesh_${MODULE_NAME})
  target_sources(pixmesh_${MODULE_NAME} PUBLIC FILE_SET HEADERS BASE_DIRS ${entry} FILES ${MODULE_HEADERS})
  set_target_properties(pixmesh_${MODULE_NAME} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  target_compile_features(pixmesh_${MODULE_NAME} PUBLIC cxx_std_20)
  target_link_libraries(pixmesh_${MODULE_NAME} PUBLIC ${MODULE_USES} PRIVATE ${MODULE_PRIVATE})
  pixmesh_precompile(pixmesh_${MODULE_NAME} ${MODULE_PRECOMPILE})
endfunction()

# A test program of one module: pixmesh_test(NAME ring USES ring SOURCES a_test.cc b_test.cc)
function(pixmesh_test)
  cmake_parse_arguments(TEST "" "NAME" "USES;SOURCES;PRIVATE" ${ARGN})
  list(TRANSFORM TEST_USES PREPEND pixmesh::)
  add_executable(${TEST_NAME}_test ${TEST_SOURCES})
  target_link_libraries(${TEST_NAME}_test PRIVATE ${TEST_USES} ${TEST_PRIVATE} pixmesh_doctest_main)
  pixmesh_precompile(${TEST_NAME}_test <doctest/doctest.h>)
  add_test(NAME ${TEST_NAME} COMMAND ${TEST_NAME}_test)
endfunction()

# For what runs in a worker process: its address space has a limit, and AddressSanitizer takes all of it.
function(pixmesh_without_sanitizers target)
  set_target_properties(${target} PROPERTIES DISABLE_PRECOMPILE_HEADERS ON)
  target_compile_options(${target} PRIVATE -fno-sanitize=all)
  target_link_options(${target} PRIVATE -fno-sanitize=all)
endfunction()
