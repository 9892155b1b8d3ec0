#include "host/disk/framed_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>

#include "disk_rig.h"

using namespace pixmesh;
using namespace pixmesh::storage_test;

TEST_CASE("host: a framed file gives back its payload, and any changed bit is noticed") {
  const Bytes payload = noise(1, 200);
  const Bytes whole = framed(payload);

  CHECK(unframed(whole).value() == payload);
  CHECK(unframed(framed({})).value().empty());
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes changed = whole;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    CHECK(!unframed(changed).has_value());
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK(!unframed(ByteView(whole).first(size)).has_value());
  }
}

TEST_CASE("host: a framed file is replaced whole or not at all") {
  const TempFolder folder;
  const auto path = folder.path() / "file";
  const auto temp = folder.path() / "temp";
  const auto sync = [](int descriptor) { return ::fsync(descriptor); };
  const auto full = [](int) {
    errno = ENOSPC;
    return -1;
  };

  CHECK(write_framed_file(path, temp, Bytes{1}, sync));
  const Result<Done> failed = write_framed_file(path, temp, Bytes{2}, full);

  REQUIRE(!failed);
  CHECK(failed.error().code == ErrorCode::no_space);
  CHECK(read_framed_file(path).value() == Bytes{1});
  CHECK(files_below(folder.path()) == std::vector<std::string>{"file"});
  CHECK(read_framed_file(temp).error().code == ErrorCode::not_found);
}
