#include "host/disk/lmdb_index.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/rng.h"
#include "disk_rig.h"

using namespace pixmesh;
using namespace pixmesh::storage_test;

namespace {

std::unique_ptr<LmdbIndex> open_index(const TempFolder& folder, std::size_t map_bytes) {
  auto index = LmdbIndex::open(folder.path(), map_bytes);
  REQUIRE(index);
  return std::move(index).value();
}

void put(LmdbIndex& index, const std::vector<std::string>& names) {
  const Result<Done> done = index.write([&](IndexWrite& write) {
    for (const std::string& name : names) {
      const NameDigest digest = name_digest_of(name);
      write.put({PartitionId{digest.raw[0]}, digest, name, {}, 0, bytes_of(name)});
    }
  });
  REQUIRE(done);
}

/// Walks all pages of a list.
std::vector<std::string> list(const LmdbIndex& index, const std::string& prefix,
                              std::uint32_t limit) {
  std::vector<std::string> names;
  std::string after;
  while (true) {
    const Result<RecordPage> page = index.list_names({prefix, after, limit});
    REQUIRE(page);
    CHECK(page->records.size() <= limit);
    for (const Bytes& record : page->records) names.emplace_back(text_of(record));
    if (page->complete || names.size() > 100'000) return names;
    REQUIRE(!page->records.empty());
    after = names.back();
  }
}

std::vector<std::string> with_prefix(const std::vector<std::string>& sorted,
                                     const std::string& prefix) {
  std::vector<std::string> chosen;
  std::copy_if(sorted.begin(), sorted.end(), std::back_inserter(chosen),
               [&](const std::string& name) { return name.starts_with(prefix); });
  return chosen;
}

}  // namespace

TEST_CASE("host: names are listed in order, long ones that share 448 bytes included") {
  const TempFolder folder;
  const auto index = open_index(folder, 1 << 20);
  const std::string shared(448, 'm');
  std::vector<std::string> names{"a",
                                 "ab",
                                 "aba",
                                 "ab\x01",
                                 "b",
                                 "\xc3\xa4",
                                 shared,
                                 shared.substr(1),
                                 std::string(1'024, 'm')};
  Rng rng(11);
  for (int i = 0; i < 300; ++i) {
    std::string name = i % 2 == 0 ? shared : "p/";
    const std::uint64_t more = rng.below(40) + 1;
    for (std::uint64_t j = 0; j < more; ++j) {
      name.push_back(static_cast<char>('k' + rng.below(4)));
    }
    names.push_back(name);
  }
  put(*index, names);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());

  for (const std::uint32_t limit : {1U, 7U, 1'000U}) {
    CHECK(list(*index, "", limit) == names);
    CHECK(list(*index, "ab", limit) == with_prefix(names, "ab"));
    CHECK(list(*index, shared + "k", limit) == with_prefix(names, shared + "k"));
    CHECK(list(*index, std::string(1'024, 'm'), limit).size() == 1);
    CHECK(list(*index, "zz", limit).empty());
  }
}

TEST_CASE("host: more names than fit in memory may share their first 448 bytes") {
  const TempFolder folder;
  const auto index = open_index(folder, 1 << 20);
  const std::string shared(448, 's');
  std::vector<std::string> names;
  for (int i = 0; i < 5'000; ++i) names.push_back(shared + std::to_string(i * 7919 % 100'000));
  put(*index, names);
  std::sort(names.begin(), names.end());

  CHECK(list(*index, "s", 1'000) == names);
}

TEST_CASE("host: a page of records ends after one mebibyte") {
  const TempFolder folder;
  const auto index = open_index(folder, 1 << 20);
  const Bytes record(400'000);
  const Result<Done> done = index->write([&](IndexWrite& write) {
    for (const char* name : {"a", "b", "c", "d", "e"}) {
      write.put({PartitionId{1}, name_digest_of(name), name, {}, 0, record});
    }
  });
  REQUIRE(done);

  const RecordPage first = index->list_partition({PartitionId{1}, std::nullopt, 1'000}).value();
  CHECK(first.records.size() == 3);
  CHECK(!first.complete);
  CHECK(index->list_names({"", "c", 1'000}).value().complete);
}

TEST_CASE("host: a partition is listed in order of name digest, and pages join") {
  const TempFolder folder;
  const auto index = open_index(folder, 1 << 20);
  std::vector<NameDigest> digests;
  const Result<Done> done = index->write([&](IndexWrite& write) {
    digests.clear();
    for (int i = 0; i < 100; ++i) {
      const std::string name = std::to_string(i);
      digests.push_back(name_digest_of(name));
      write.put({PartitionId{5}, digests.back(), name, {}, 0, digests.back().raw});
      write.put({PartitionId{6}, digests.back(), name + "x", {}, 0, bytes_of("other")});
    }
  });
  REQUIRE(done);
  std::sort(digests.begin(), digests.end());

  std::vector<NameDigest> listed;
  RecordPage page;
  do {
    ListPartition asked{PartitionId{5}, std::nullopt, 30};
    if (!listed.empty()) asked.after = listed.back();
    page = index->list_partition(asked).value();
    for (const Bytes& record : page.records) {
      NameDigest digest;
      std::copy(record.begin(), record.end(), digest.raw.begin());
      listed.push_back(digest);
    }
  } while (!page.complete);
  CHECK(listed == digests);
}

TEST_CASE("host: an index that starts tiny grows while readers read") {
  const TempFolder folder;
  const auto index = open_index(folder, 128 << 10);
  const std::size_t before = index->map_bytes();
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> wrong{0};
  std::thread reader([&] {
    while (!stop) {
      const Result<RecordPage> page = index->list_names({"", "", 1'000});
      if (!page) ++wrong;
    }
  });

  for (int round = 0; round < 10; ++round) {
    // One transaction alone is larger than the free quarter: it runs full and is done again.
    const Bytes value(200'000, static_cast<std::uint8_t>(round));
    const Result<Done> done = index->write([&](IndexWrite& write) {
      write.put_row({Table::facts, {static_cast<std::uint8_t>(round)}, value});
      write.put({PartitionId{1},
                 name_digest_of(std::to_string(round)),
                 std::to_string(round),
                 {},
                 0,
                 value});
    });
    CHECK(done);
  }
  stop = true;
  reader.join();

  CHECK(wrong == 0);
  CHECK(index->map_bytes() >= 8 * before);
  CHECK(index->load(Table::facts).value().rows.size() == 10);
  CHECK(index->summaries().at(0).record_count == 10);
}

TEST_CASE("host: a failed transaction changes neither the index nor its summaries") {
  const TempFolder folder;
  const auto index = open_index(folder, 1 << 20);
  put(*index, {"a"});

  const Result<Done> done = index->write([&](IndexWrite& write) {
    write.put({PartitionId{1}, name_digest_of("b"), "b", {}, 0, bytes_of("b")});
    write.put_row({Table::facts, Bytes(512), Bytes{}});
  });

  CHECK(!done);
  CHECK(list(*index, "", 10) == std::vector<std::string>{"a"});
  CHECK(index->summaries().size() == 1);
}
