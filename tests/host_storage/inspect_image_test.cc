#include "host/disk/inspect_image.h"

#include <doctest/doctest.h>

#include <fstream>

#include "base/digest.h"
#include "base/limits.h"
#include "disk_rig.h"
#include "image_bytes.h"

using namespace pixmesh;
using namespace pixmesh::test;

namespace {

std::vector<std::uint64_t> checksums_of(const Bytes& bytes) {
  std::vector<std::uint64_t> checksums;
  for (std::size_t at = 0; at < bytes.size(); at += chunk_bytes_max) {
    const std::size_t count = std::min<std::size_t>(bytes.size() - at, chunk_bytes_max);
    checksums.push_back(chunk_checksum(ByteView(bytes).subspan(at, count)));
  }
  return checksums;
}

InspectImage question_for(const Bytes& image) {
  return {blob_path_of(digest_of(image)), image.size(), checksums_of(image), {}};
}

void flip(const std::filesystem::path& file, std::size_t place, const Bytes& image) {
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(static_cast<std::streamoff>(place))
      .put(static_cast<char>(image[place] ^ 1));
}

}  // namespace

TEST_CASE("host: a disk tells the header of a stored image, scans in its last MiB too") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const Bytes image = jpeg_bytes({.progressive = true, .scans = 5, .scan_bytes = 700'000});
  REQUIRE(image.size() > 3U << 20);
  REQUIRE(rig.upload("x", 1, 1, image));

  const ImageHeader header = rig.get<ImageInspected>(question_for(image)).header;

  CHECK(header.type == "jpeg");
  CHECK(header.width == 6'000);
  CHECK(header.scans == 5);
  CHECK(header.fault == HeaderFault::none);
}

TEST_CASE("host: a header is told only from bytes that have their checksum") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const Bytes image = jpeg_bytes({.progressive = true, .scans = 5, .scan_bytes = 700'000});
  REQUIRE(rig.upload("x", 1, 1, image));
  const InspectImage question = question_for(image);
  const std::filesystem::path file = folder.path() / question.path;

  flip(file, 2'500'000, image);
  check_code(rig.ask(question), ErrorCode::corrupt);
  std::filesystem::resize_file(file, 100);
  check_code(rig.ask(question), ErrorCode::corrupt);
  std::filesystem::remove(file);
  check_code(rig.ask(question), ErrorCode::not_found);
  InspectImage elsewhere = question;
  elsewhere.path = "/etc/passwd";
  check_code(rig.ask(elsewhere), ErrorCode::usage);
  // The disk has not failed by that.
  CHECK(rig.ask(Summarize{}).has_value());
}

TEST_CASE("host: a bit that flipped behind what is looked at does no harm to a header") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const Bytes image = jpeg_bytes({.scan_bytes = 3'000'000});
  REQUIRE(rig.upload("x", 1, 1, image));
  flip(folder.path() / blob_path_of(digest_of(image)), 2'500'000, image);

  CHECK(rig.get<ImageInspected>(question_for(image)).header.scans == 1);
}
