#include <doctest/doctest.h>

#include <fstream>

#include "disk_rig.h"

using namespace pixmesh;
using namespace pixmesh::storage_test;

TEST_CASE("host: a chunk that rotted on the disk is corrupt, a missing file not found") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const Bytes image = noise(3, 5'000);
  const std::string path = blob_path_of(digest_of(image));
  REQUIRE(rig.upload("x", 1, 1, image));
  const std::uint64_t checksum = chunk_checksum(image);
  CHECK(rig.ask(ReadRange{path, 0, 5'000, checksum}).has_value());

  std::fstream(folder.path() / path, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(4'321)
      .put(static_cast<char>(image[4'321] ^ 1));

  check_code(rig.ask(ReadRange{path, 0, 5'000, checksum}), ErrorCode::corrupt);
  check_code(rig.ask(ReadRange{path, 4'000, 1'001, std::nullopt}), ErrorCode::corrupt);
  check_code(rig.ask(ReadRange{"blobs/00/00/00.bin", 0, 1, std::nullopt}), ErrorCode::not_found);
  check_code(rig.ask(ReadRange{"/etc/passwd", 0, 1, std::nullopt}), ErrorCode::usage);
}

TEST_CASE("host: chunks of a file are checked where they lie, those that were asked for") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const Bytes image = noise(3, 2 * chunk_bytes_max + 5'000);
  const std::string path = blob_path_of(digest_of(image));
  REQUIRE(rig.upload("x", 1, 1, image));
  std::vector<std::uint64_t> checksums;
  for (std::size_t at = 0; at < image.size(); at += chunk_bytes_max) {
    const std::size_t count = std::min<std::size_t>(image.size() - at, chunk_bytes_max);
    checksums.push_back(chunk_checksum(ByteView(image).subspan(at, count)));
  }
  CHECK(rig.ask(CheckChunks{path, image.size(), 0, checksums}).has_value());
  std::fstream(folder.path() / path, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(chunk_bytes_max + 1)
      .put(static_cast<char>(image[chunk_bytes_max + 1] ^ 1));

  check_code(rig.ask(CheckChunks{path, image.size(), 0, checksums}), ErrorCode::corrupt);
  CHECK(rig.ask(CheckChunks{path, image.size(), 2, {checksums[2]}}).has_value());
  check_code(rig.ask(CheckChunks{path, image.size(), 3, {7}}), ErrorCode::corrupt);  // no such one
  CHECK(rig.ask(CheckChunks{path, image.size(), 0, {}}).has_value());
  std::filesystem::resize_file(folder.path() / path, image.size() - 1);
  check_code(rig.ask(CheckChunks{path, image.size(), 2, {checksums[2]}}), ErrorCode::corrupt);
  check_code(rig.ask(CheckChunks{"blobs/00/00/00.bin", 0, 0, {}}), ErrorCode::not_found);
}

TEST_CASE("host: a small file is given as bytes, no larger one, and none that rotted") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const Bytes image = noise(3, 5'000);
  const std::string path = blob_path_of(digest_of(image));
  REQUIRE(rig.upload("x", 1, 1, image));

  CHECK(rig.get<BytesRead>(ReadBytes{{path, 0, 5'000, chunk_checksum(image)}}).bytes == image);
  check_code(rig.ask(ReadBytes{{path, 0, 5'000, 7}}), ErrorCode::corrupt);
  check_code(rig.ask(ReadBytes{{path, 0, small_result_bytes + 1, std::nullopt}}), ErrorCode::usage);
}
