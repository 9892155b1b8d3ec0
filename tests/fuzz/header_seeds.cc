#include <cstdio>
#include <filesystem>
#include <fstream>

#include "image_bytes.h"

/// Writes what the fuzzers begin with: header_seeds FOLDER
int main(int count, char** words) {
  if (count != 2) {
    std::fprintf(stderr, "usage: header_seeds FOLDER\n");
    return 2;
  }
  std::filesystem::create_directories(words[1]);
  for (const auto& [what, bytes] : pixmesh::test::header_corpus()) {
    if (bytes.size() > 8'192) continue;  // large ones make a fuzzer slow and not wiser
    std::ofstream file(std::filesystem::path(words[1]) / what, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) return 1;
  }
  return 0;
}
