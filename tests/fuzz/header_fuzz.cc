#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "header_promises.h"
#include "image_bytes.h"

// One program for each format: its bytes always begin as that format does, and the rest is what the
// fuzzer thinks of. PIXMESH_FUZZ_START is the beginning.

namespace {

constexpr char start[] = PIXMESH_FUZZ_START;
constexpr std::size_t start_count = sizeof start - 1;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  pixmesh::Bytes image(bytes, bytes + count);
  image.resize(std::max(count, start_count));
  std::copy(start, start + start_count, image.begin());
  const std::string broken = pixmesh::test::broken_promise(image);
  if (broken.empty()) return 0;
  std::fprintf(stderr, "%s\n", broken.c_str());
  std::abort();
}
