#include "host/disk/found_records.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

#include "disk_rig.h"
#include "host/disk/lmdb_index.h"

using namespace pixmesh;
using namespace pixmesh::storage_test;

namespace {

const PartitionId found_partition{3};
const NameDigest found_name = name_digest_of("a");

Bytes text(std::string_view words) { return {words.begin(), words.end()}; }

std::unique_ptr<LmdbIndex> opened(const TempFolder& folder) {
  auto index = LmdbIndex::open(folder.path(), 1 << 20);
  REQUIRE(index);
  return std::move(index).value();
}

void write_record(LmdbIndex& index, const std::string& record) {
  REQUIRE(index.write([&](IndexWrite& write) {
    write.put({found_partition, found_name, "a", {}, 0, bytes_of(record)});
  }));
}

Bytes found(const LmdbIndex& index) {
  const auto again = index.find_again({found_partition, found_name, {}, {}});
  if (again) return again->record;
  const auto read = index.find({found_partition, found_name, {}, {}});
  REQUIRE(read);
  return read->record;
}

bool is_known(const LmdbIndex& index) {
  return index.find_again({found_partition, found_name, {}, {}}).has_value();
}

}  // namespace

TEST_CASE("host: a record that was found is found again without the index, until a write") {
  const TempFolder folder;
  const auto index = opened(folder);
  CHECK_FALSE(is_known(*index));
  CHECK(found(*index).empty());
  CHECK(is_known(*index));  // that there is none is known as well
  CHECK(found(*index).empty());

  write_record(*index, "one");
  CHECK_FALSE(is_known(*index));
  CHECK(found(*index) == text("one"));
  CHECK(is_known(*index));
  CHECK(found(*index) == text("one"));

  CHECK(index->write([&](IndexWrite& write) { write.erase(found_partition, found_name); }));
  CHECK(found(*index).empty());
}

TEST_CASE("host: what is found while the index is written is not kept, and nothing is told of it") {
  const TempFolder folder;
  const auto index = opened(folder);
  write_record(*index, "one");
  (void)found(*index);
  REQUIRE(index->write([&](IndexWrite& write) {
    write.put({found_partition, found_name, "a", {}, 0, bytes_of("two")});
    CHECK_FALSE(is_known(*index));
    std::thread([&] {
      CHECK(index->find({found_partition, found_name, {}, {}})->record == text("one"));
    }).join();
    CHECK_FALSE(is_known(*index));
  }));
  CHECK_FALSE(is_known(*index));
  CHECK(found(*index) == text("two"));
}

TEST_CASE("host: what was read before a write is not kept after it") {
  FoundRecords records(1'000);
  const auto before = records.age();
  REQUIRE(before);
  records.begin_write();
  CHECK_FALSE(records.age());
  records.end_write();
  records.add(found_partition, found_name, text("old"), *before);
  CHECK_FALSE(records.find(found_partition, found_name));
}

TEST_CASE("host: a question for more than the record is always read") {
  const TempFolder folder;
  const auto index = opened(folder);
  write_record(*index, "one");
  (void)found(*index);
  CHECK_FALSE(index->find_again({found_partition, found_name, text("request"), {}}));
  CHECK_FALSE(index->find_again({found_partition, found_name, {}, Digest{}}));
}

TEST_CASE("host: found records take no more memory than they may") {
  FoundRecords records(1'000);
  const auto add = [&](const std::string& which, std::size_t size) {
    records.add(found_partition, name_digest_of(which), Bytes(size, 1), *records.age());
    return records.find(found_partition, name_digest_of(which)).has_value();
  };
  CHECK(add("a", 300));
  CHECK(add("b", 300));
  CHECK(records.find(found_partition, name_digest_of("a")));
  CHECK(add("c", 300));
  CHECK_FALSE(records.find(found_partition, name_digest_of("a")));
  CHECK_FALSE(add("d", 1'000));
  CHECK(records.find(found_partition, name_digest_of("c")));
}

TEST_CASE("host: nobody finds a record older than one that was written before they asked") {
  const TempFolder folder;
  const auto index = opened(folder);
  constexpr int last = 150;
  std::atomic<int> written = 0;
  std::atomic<int> wrong = 0;
  write_record(*index, "0");
  const auto read = [&] {
    for (int at_least = 0, seen = 0; at_least < last;) {
      at_least = std::max(written.load(), seen);
      const Bytes record = found(*index);
      seen = std::stoi(std::string(record.begin(), record.end()));
      if (seen < at_least) ++wrong;
    }
  };
  std::thread one(read), other(read);
  for (int number = 1; number <= last; ++number) {
    write_record(*index, std::to_string(number));
    written = number;
  }
  one.join();
  other.join();
  CHECK(wrong == 0);
}

TEST_CASE("host: who asks a disk for the same record again is answered at once, till it changes") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  std::atomic<bool> at_once = false;
  rig.answers().on_post = [&, me = std::this_thread::get_id()] {
    at_once = std::this_thread::get_id() == me;
  };
  const auto version = [&] {
    const auto found = rig.get<StoredRecord>(FindRecord{found_partition, name_digest_of("b")});
    return found.record.empty() ? 0 : decode(found.record)->version;
  };
  CHECK(version() == 0);
  for (std::uint32_t next = 1; next <= 3; ++next) {
    REQUIRE(rig.upload("b", found_partition.raw, next, noise(next, 100)));
    CHECK(version() == next);
    CHECK(version() == next);
    CHECK(at_once);
  }
}
