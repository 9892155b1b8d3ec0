# Every third-party library, each as one target. All come from Debian packages; nothing is downloaded.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(zmq REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(lmdb REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
# Only pixmesh-vips-worker has these; a build without leaves that out.
pkg_check_modules(vips IMPORTED_TARGET vips>=8.14)
pkg_check_modules(jpeg IMPORTED_TARGET libjpeg)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)

# find_package(msgpack) finds the C library when both are installed; ours is the header-only C++ one.
find_path(MSGPACK_INCLUDE msgpack.hpp REQUIRED)
add_library(pixmesh_msgpack INTERFACE)
target_include_directories(pixmesh_msgpack SYSTEM INTERFACE ${MSGPACK_INCLUDE})
target_compile_definitions(pixmesh_msgpack INTERFACE MSGPACK_NO_BOOST)
# g++ 12 with sanitizers misreads msgpack's zone, which pairs its own operator new with free.
target_compile_options(pixmesh_msgpack
                       INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>)
