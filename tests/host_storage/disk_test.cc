#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <thread>

#include "disk_rig.h"
#include "host/disk/framed_file.h"

using namespace pixmesh;
using namespace pixmesh::storage_test;
namespace fs = std::filesystem;

namespace {

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 2'000 && !holds(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return holds();
}

Digest digest_in(const Result<DiskAnswer>& answer) {
  return std::get<Synced>(answer.value()).digest;
}

}  // namespace

TEST_CASE("host: a whole write order makes an image readable, and it survives a reopen") {
  const TempFolder folder;
  const Bytes image = noise(1, 2 * chunk_bytes_max + 17);
  const Digest digest = digest_of(image);
  DiskId id;

  {
    DiskRig rig(folder.path());
    id = rig.disk().disk_id();
    CHECK(rig.upload("a/b.bin", 7, 1, image).value().code == Code::stored);
    CHECK(rig.read(blob_path_of(digest), chunk_bytes_max, chunk_bytes_max + 0) ==
          Bytes(image.begin() + chunk_bytes_max, image.begin() + 2 * chunk_bytes_max));
  }
  DiskRig rig(folder.path());

  CHECK(rig.disk().disk_id() == id);
  CHECK(rig.disk().recovery().records_restored == 0);
  CHECK(rig.disk().recovery().blobs_trashed == 0);
  const TestRecord record{7, 1, "a/b.bin", digest, image.size()};
  CHECK(rig.get<StoredRecord>(FindRecord{PartitionId{7}, name_digest_of("a/b.bin")}).record ==
        encode(record));
  CHECK(rig.read(blob_path_of(digest), 2 * chunk_bytes_max, 17) ==
        Bytes(image.end() - 17, image.end()));
  CHECK(files_below(folder.path() / "tmp").empty());
  CHECK(read_framed_file(folder.path() / record_path_of(record)).value() == encode(record));
}

TEST_CASE("host: a temp answers size, digest and media facts") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  Bytes gif{'G', 'I', 'F', '8', '9', 'a', 0x40, 1, 0x20, 0, 0, 0, 0};

  (void)rig.get<Done>(CreateTemp{TempId{900}, true});
  (void)rig.get<Done>(AppendChunk{TempId{900}, rig.chunk_of(ByteView(gif).first(5))});
  (void)rig.get<Done>(AppendChunk{TempId{900}, rig.chunk_of(ByteView(gif).subspan(5))});
  const auto synced = rig.get<Synced>(SyncTemp{TempId{900}});

  CHECK(synced.size == gif.size());
  CHECK(synced.digest == digest_of(gif));
  CHECK(synced.media == MediaFacts{"gif", 320, 32});
}

TEST_CASE("host: operations on one temp are done in order without waiting for answers") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const Bytes image = noise(2, 64'000);
  const std::string path = blob_path_of(digest_of(image));

  rig.submit(CreateTemp{TempId{900}, true});
  for (std::size_t at = 0; at < image.size(); at += 1'000) {
    rig.submit(AppendChunk{TempId{900}, rig.chunk_of(ByteView(image).subspan(at, 1'000))});
  }
  const OperationId synced = rig.submit(SyncTemp{TempId{900}});
  const OperationId published = rig.submit(PublishTemp{TempId{900}, path});

  CHECK(digest_in(rig.answers().wait(synced)) == digest_of(image));
  CHECK(rig.answers().wait(published).has_value());
  CHECK(rig.read(path, 0, 64'000) == image);
}

TEST_CASE("host: what cannot be done to a temp is answered, and changes nothing") {
  const TempFolder folder;
  DiskRig rig(folder.path());

  (void)rig.get<Done>(CreateTemp{TempId{900}, false});
  check_code(rig.ask(CreateTemp{TempId{900}, false}), ErrorCode::failed);
  check_code(rig.ask(AppendChunk{TempId{900}, ChunkRef{999, 1, 0}}), ErrorCode::failed);
  check_code(rig.ask(PublishTemp{TempId{900}, "blobs/aa/bb/cc.bin"}), ErrorCode::failed);
  check_code(rig.ask(AppendChunk{TempId{901}, rig.chunk_of(noise(1, 5))}), ErrorCode::not_found);
  (void)rig.get<Synced>(SyncTemp{TempId{900}});
  check_code(rig.ask(PublishTemp{TempId{900}, "../escaped"}), ErrorCode::usage);
  (void)rig.get<Done>(DropTemp{TempId{900}});

  CHECK(files_below(folder.path() / "tmp").empty());
  CHECK(files_below(folder.path() / "blobs").empty());
}

TEST_CASE("host: publishing the same digest again heals a rotten blob") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const Bytes image = noise(3, 5'000);
  REQUIRE(rig.upload("x", 1, 1, image));
  const std::string path = blob_path_of(digest_of(image));
  std::ofstream(folder.path() / path) << "rotten";

  REQUIRE(rig.put_blob(image));

  CHECK(rig.read(path, 0, 5'000) == image);
}

TEST_CASE("host: commits go through admit, with the lists of their own transaction") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const TestRecord first{0x0102, 5, "n", {}, 0};
  const TestRecord older{0x0102, 4, "n", {}, 0};
  const Bytes lists{1, 2, 3};
  (void)rig.get<Done>(PutValues{{{Table::lists, {0, 0, 1, 2}, lists}}});

  CHECK(rig.put_record(first, {9}).value().code == Code::stale);
  CHECK(files_below(folder.path() / "records").empty());
  CHECK(rig.put_record(first, lists).value().code == Code::stored);
  CHECK(rig.put_record(first).value().code == Code::already);
  const CommitOutcome lost = rig.put_record(older).value();

  CHECK(lost.code == Code::superseded);
  CHECK(lost.current == encode(first));
  // The record file that the refused write had put there is set back.
  CHECK(read_framed_file(folder.path() / record_path_of(first)).value() == encode(first));
}

TEST_CASE("host: rows that come with a record are stored only together with it") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  CommitRecord commit = commit_of({1, 2, "n", {}, 0});
  commit.also = {{Table::requests, {1}, Bytes{7}}};
  CommitRecord refused = commit_of({1, 1, "n", {}, 0});
  refused.also = {{Table::requests, {2}, Bytes{8}}};

  (void)rig.get<CommitOutcome>(commit);
  (void)rig.get<CommitOutcome>(refused);

  const TableRows rows = rig.get<TableRows>(LoadTable{Table::requests});
  REQUIRE(rows.rows.size() == 1);
  CHECK(rows.rows[0].first == Bytes{1});
  (void)rig.get<Done>(PutValues{{{Table::requests, {1}, std::nullopt}}});
  CHECK(rig.get<TableRows>(LoadTable{Table::requests}).rows.empty());
}

TEST_CASE("host: a collected clock is only ever raised") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const auto after_putting = [&](std::uint8_t clock) {
    (void)rig.get<Done>(PutValues{{{Table::collected, {0, 0, 0, 7}, Bytes{0, clock}}}});
    return rig.get<TableRows>(LoadTable{Table::collected}).rows.front().second;
  };
  CHECK(after_putting(5) == Bytes{0, 5});
  CHECK(after_putting(3) == Bytes{0, 5});
  CHECK(after_putting(9) == Bytes{0, 9});
}

TEST_CASE("host: a record whose blob is not there is refused, as is one no index can hold") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const TestRecord record{1, 1, "n", digest_of({}), 0};
  (void)rig.get<Done>(WriteFile{record_path_of(record), encode(record)});
  check_code(rig.ask(commit_of(record)), ErrorCode::not_found);
  CHECK(files_below(folder.path() / "records").empty());

  CommitRecord long_name = commit_of({1, 1, std::string(1'025, 'x'), {}, 0});
  check_code(rig.ask(long_name), ErrorCode::usage);
  check_code(rig.ask(PutValues{{{Table::facts, Bytes(512), Bytes{}}}}), ErrorCode::usage);
  check_code(rig.ask(PutValues{{{Table::facts, {}, Bytes{}}}}), ErrorCode::usage);
}

TEST_CASE("host: a blob goes to the trash with the last record that names it") {
  const TempFolder folder;
  const Bytes image = noise(4, 3'000);
  const std::string path = blob_path_of(digest_of(image));
  {
    DiskRig rig(folder.path());
    REQUIRE(rig.upload("one", 1, 1, image));
    REQUIRE(rig.upload("two", 2, 1, image));
  }
  DiskRig rig(folder.path());

  const TestRecord one{1, 1, "one", digest_of(image), image.size()};
  CHECK(rig.drop(one).has_value());
  (void)rig.get<Done>(PutValues{});  // the trash comes after the answers
  CHECK(fs::exists(folder.path() / path));
  CHECK(!fs::exists(folder.path() / record_path_of(one)));
  REQUIRE(rig.put_record({2, 2, "two", {}, 0}));

  CHECK(eventually([&] { return !fs::exists(folder.path() / path); }));
  CHECK(files_below(folder.path() / "trash").size() == 1);
  check_code(rig.drop({2, 1, "two", digest_of(image), image.size()}), ErrorCode::stale);
}

TEST_CASE("host: a record is not dropped while a newer one is on its way to its commit") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const TestRecord before{1, 1, "n", {}, 0};
  const TestRecord after{1, 2, "n", {}, 0};
  REQUIRE(rig.put_record(before));

  (void)rig.get<Done>(WriteFile{record_path_of(after), encode(after)});
  check_code(rig.drop(before), ErrorCode::stale);
  (void)rig.get<CommitOutcome>(commit_of(after));

  CHECK(read_framed_file(folder.path() / record_path_of(after)).value() == encode(after));
  CHECK(rig.drop(after).has_value());
  CHECK(rig.get<StoredRecord>(FindRecord{PartitionId{1}, name_digest_of("n")}).record.empty());
}

// Seed 130346.
TEST_CASE("host: a record whose file was ahead of a commit that never came can be dropped") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const TestRecord before{1, 1, "n", {}, 0};
  const TestRecord after{1, 2, "n", {}, 0};
  REQUIRE(rig.put_record(before));
  (void)rig.get<Done>(WriteFile{record_path_of(after), encode(after)});

  (void)rig.get<Done>(AbandonRecord{PartitionId{1}, name_digest_of("n")});

  CHECK(read_framed_file(folder.path() / record_path_of(after)).value() == encode(before));
  CHECK(rig.drop(before).has_value());
}

TEST_CASE("host: a fresh blob is kept for an upload that will name it, then swept") {
  const TempFolder folder;
  const Bytes image = noise(5, 3'000);
  const std::string path = blob_path_of(digest_of(image));
  {
    DiskRig rig(folder.path());
    REQUIRE(rig.upload("n", 1, 1, image));
    CHECK(rig.drop({1, 1, "n", digest_of(image), image.size()}).has_value());
    (void)rig.get<Done>(PutValues{});  // one more round of the storage thread
    CHECK(fs::exists(folder.path() / path));
    REQUIRE(rig.put_record({1, 2, "n", digest_of(image), image.size()}));
    CHECK(rig.drop({1, 2, "n", digest_of(image), image.size()}).has_value());
  }
  LmdbDiskOptions options = DiskRig::options_for(folder.path());
  options.publish_keep = Duration{0};
  options.trash_keep = Duration{0};
  DiskRig rig(options);
  REQUIRE(rig.put_blob(image));

  CHECK(eventually([&] {
    return !fs::exists(folder.path() / path) && files_below(folder.path() / "trash").empty();
  }));
}

TEST_CASE("host: writes that wait together share one transaction") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const auto transactions = [&] {
    // LMDB numbers transactions; the number of the last one is in its two meta pages.
    std::ifstream file(folder.path() / "index" / "data.mdb", std::ios::binary);
    std::array<std::uint64_t, 2> last{};
    for (std::size_t page = 0; page < 2; ++page) {
      file.seekg(static_cast<std::streamoff>(page * 4096 + 16 + 128));
      file.read(reinterpret_cast<char*>(&last[page]), 8);
    }
    return std::max(last[0], last[1]);
  };
  (void)rig.put_record({1, 1, "warm", {}, 0});
  const std::uint64_t before = transactions();

  std::vector<OperationId> tickets;
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    tickets.push_back(rig.submit(commit_of({1, 1, "n" + std::to_string(i), {}, 0})));
  }
  for (const OperationId ticket : tickets) CHECK(rig.answers().wait(ticket).has_value());

  CHECK(transactions() > before);
  CHECK(transactions() - before < 500);
}

TEST_CASE("host: summaries follow every change and are the same after a reopen") {
  const TempFolder folder;
  const Bytes image = noise(6, 1'000);
  std::vector<PartitionSummary> before;
  {
    DiskRig rig(folder.path());
    REQUIRE(rig.upload("a", 3, 1, image));
    REQUIRE(rig.upload("b", 3, 1, image));
    REQUIRE(rig.put_record({3, 2, "b", {}, 0}));
    REQUIRE(rig.put_record({9, 1, "c", {}, 0}));
    CHECK(rig.drop({9, 1, "c", {}, 0}).has_value());
    const auto summary = rig.get<DiskSummary>(Summarize{});
    CHECK(summary.total_bytes > 0);
    before = summary.partitions;
  }
  DiskRig rig(folder.path());
  const auto after = rig.disk().summaries();

  REQUIRE(before.size() == 1);
  REQUIRE(after.size() == 1);
  CHECK(before[0].record_count == 2);
  CHECK(before[0].image_count == 1);
  CHECK(before[0].bytes == 1'000);
  CHECK(before[0].fingerprint == chunk_checksum(encode({3, 1, "a", digest_of(image), 1'000})) +
                                     chunk_checksum(encode({3, 2, "b", {}, 0})));
  CHECK(after[0].fingerprint == before[0].fingerprint);
  CHECK(after[0].record_count == 2);
  CHECK(after[0].bytes == 1'000);
}

TEST_CASE("host: a disk whose fsync failed answers failed to everything from then on") {
  const TempFolder folder;
  LmdbDiskOptions options = DiskRig::options_for(folder.path());
  auto is_dying = std::make_shared<std::atomic<bool>>(false);
  options.sync = [is_dying](int descriptor) {
    if (!*is_dying) return ::fsync(descriptor);
    errno = EIO;
    return -1;
  };
  std::vector<std::string> reasons;
  options.on_failure = [&reasons](const Error& reason) { reasons.push_back(reason.detail); };
  DiskRig rig(options);
  REQUIRE(rig.put_record({1, 1, "n", {}, 0}));

  *is_dying = true;
  check_code(rig.ask(WriteFile{record_path_of({1, 2, "n", {}, 0}), Bytes{1}}), ErrorCode::failed);
  *is_dying = false;

  check_code(rig.ask(CreateTemp{TempId{1}, false}), ErrorCode::failed);
  check_code(rig.ask(PutValues{}), ErrorCode::failed);
  check_code(rig.ask(FindRecord{PartitionId{1}, name_digest_of("n")}), ErrorCode::failed);
  rig.close();
  REQUIRE(reasons.size() == 1);  // told once, and why
  CHECK(reasons[0].find("cannot sync") != std::string::npos);
}

TEST_CASE("host: a commit syncs the folder of a blob that was published since it was found") {
  const TempFolder folder;
  LmdbDiskOptions options = DiskRig::options_for(folder.path());
  std::mutex mutex;
  std::vector<std::string> synced;
  options.sync = [&](int descriptor) {
    std::error_code unknown;
    const auto path = fs::read_symlink("/proc/self/fd/" + std::to_string(descriptor), unknown);
    const std::scoped_lock lock(mutex);
    synced.push_back(path.string());
    return ::fsync(descriptor);
  };
  DiskRig rig(options);
  const Bytes image = noise(3, 5'000);
  const auto digest = rig.put_blob(image);  // its folder is left unsynced
  REQUIRE(digest);
  const TestRecord record{1, 1, "n", digest.value(), image.size()};
  REQUIRE(rig.ask(WriteFile{record_path_of(record), encode(record)}));
  REQUIRE(rig.ask(SyncFolders{{record_path_of(record)}}));
  const std::string blobs =
      fs::canonical(folder.path() / blob_path_of(digest.value())).parent_path();
  const auto was_synced = [&] {
    const std::scoped_lock lock(mutex);
    return std::find(synced.begin(), synced.end(), blobs) != synced.end();
  };
  REQUIRE_FALSE(was_synced());

  REQUIRE(rig.ask(commit_of(record)));

  CHECK(was_synced());
}

TEST_CASE("host: two disks cannot use one folder, and the second is told why") {
  const TempFolder folder;
  const DiskRig rig(folder.path());
  ChunkStore chunks;
  AnswerBox answers;

  const auto second = LmdbDisk::open(DiskRig::options_for(folder.path()), chunks, answers);

  REQUIRE(!second);
  CHECK(second.error().code == ErrorCode::denied);
  CHECK(second.error().detail.find("another pixmesh process") != std::string::npos);
}
