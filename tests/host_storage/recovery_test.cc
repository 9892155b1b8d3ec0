#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <map>
#include <new>

#include "disk_rig.h"
#include "host/disk/disk_folder.h"
#include "host/disk/disk_recovery.h"
#include "host/disk/framed_file.h"

using namespace pixmesh;
using namespace pixmesh::storage_test;
namespace fs = std::filesystem;

namespace {

/// Memory that a child shares with its parent.
struct Shared {
  std::atomic<std::uint32_t> points{0};        // crash points passed
  std::atomic<std::uint32_t> acknowledged{0};  // steps of the story that were acknowledged
};

class SharedMemory {
 public:
  SharedMemory()
      : shared_(new (::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared) {}
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { ::munmap(shared_, sizeof(Shared)); }
  Shared& operator*() { return *shared_; }

 private:
  Shared* shared_;
};

const Bytes image_x = noise(1, 3'000);
const Bytes image_y = noise(2, 4'000);

/// The uploads and drops that a crash interrupts. Each step is acknowledged once it is done.
std::vector<std::function<bool(DiskRig&)>> story() {
  const TestRecord c{2, 1, "c", digest_of(image_y), image_y.size()};
  return {
      [](DiskRig& rig) { return rig.upload("a", 1, 1, image_x).has_value(); },
      [](DiskRig& rig) { return rig.upload("b", 1, 1, image_x).has_value(); },
      [](DiskRig& rig) { return rig.upload("c", 2, 1, image_y).has_value(); },
      [](DiskRig& rig) { return rig.upload("a", 1, 2, image_y).has_value(); },
      [](DiskRig& rig) {
        return rig.put_record({1, 1, "a", digest_of(image_x), 3'000}).has_value();
      },
      [c](DiskRig& rig) { return rig.drop(c).has_value(); },
      [](DiskRig& rig) {
        return rig.put_record({1, 2, "b", {}, 0}).has_value();
      },
  };
}

/// Versions by name that must be there after so many acknowledged steps.
std::map<std::string, std::uint32_t> promised(std::uint32_t steps) {
  std::map<std::string, std::uint32_t> versions;
  if (steps >= 1) versions["a"] = 1;
  if (steps >= 2) versions["b"] = 1;
  if (steps >= 3) versions["c"] = 1;
  if (steps >= 4) versions["a"] = 2;
  // The drop of c is step 6: from step 5 on it may have happened.
  if (steps >= 5) versions.erase("c");
  if (steps >= 7) versions["b"] = 2;
  return versions;
}

/// Runs the story in a child that dies at crash point number `point`: at an fsync, inside a
/// transaction, or just before an answer. @returns false once the child lives to the end.
bool crash_at(std::uint32_t point, const fs::path& folder, Shared& shared) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto pass = [&shared, point] {
      if (++shared.points == point) ::kill(::getpid(), SIGKILL);
    };
    LmdbDiskOptions options = DiskRig::options_for(folder);
    options.sync = [pass](int descriptor) {
      pass();
      return descriptor >= 0 ? 0 : -1;  // a process dies here, not a machine
    };
    options.admit = [pass](ByteView stored, ByteView incoming, ByteView lists, ByteView fence,
                           ByteView collected) {
      pass();
      return admit_by_version(stored, incoming, lists, fence, collected);
    };
    DiskRig rig(options);
    rig.answers().on_post = pass;
    for (const auto& step : story()) {
      if (!step(rig)) ::_exit(9);
      ++shared.acknowledged;
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const bool has_crashed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  REQUIRE((has_crashed || status == 0));
  return has_crashed;
}

std::vector<TestRecord> records_of(DiskRig& rig) {
  std::vector<TestRecord> records;
  for (const Bytes& record : rig.get<RecordPage>(ListNames{}).records) {
    records.push_back(decode(record).value());
  }
  return records;
}

/// Index, record files and blobs tell the same.
void check_agreement(DiskRig& rig, const fs::path& folder) {
  std::vector<std::string> record_files;
  std::vector<std::string> blobs;
  for (const TestRecord& record : records_of(rig)) {
    const Result<Bytes> file = read_framed_file(folder / record_path_of(record));
    REQUIRE(file);
    CHECK(file.value() == encode(record));
    record_files.push_back(record_path_of(record));
    if (record.digest == Digest{}) continue;
    const std::string blob = blob_path_of(record.digest);
    blobs.push_back(blob);
    REQUIRE(fs::exists(folder / blob));
    CHECK(digest_of(rig.read(blob, 0, static_cast<std::uint32_t>(record.size))) == record.digest);
  }
  std::sort(blobs.begin(), blobs.end());
  blobs.erase(std::unique(blobs.begin(), blobs.end()), blobs.end());
  CHECK(files_below(folder / "blobs").size() == blobs.size());
  CHECK(files_below(folder / "records").size() == record_files.size());
  CHECK(files_below(folder / "tmp").empty());
}

void check_promises(DiskRig& rig, std::uint32_t acknowledged) {
  const std::vector<TestRecord> records = records_of(rig);
  for (const auto& [name, version] : promised(acknowledged)) {
    const std::string wanted = name;
    const auto found = std::find_if(records.begin(), records.end(), [&](const TestRecord& record) {
      return record.name == wanted;
    });
    REQUIRE(found != records.end());
    CHECK(found->version >= version);
  }
  if (acknowledged >= 6) {
    CHECK(std::none_of(records.begin(), records.end(),
                       [](const TestRecord& record) { return record.name == "c"; }));
  }
}

}  // namespace

TEST_CASE("host: wherever a process dies, what was acknowledged is there and nothing is half") {
  std::uint32_t crashes = 0;
  for (std::uint32_t point = 1;; ++point) {
    CAPTURE(point);
    const TempFolder folder(TempFolder::in_memory);
    SharedMemory shared;
    if (!crash_at(point, folder.path(), *shared)) break;
    ++crashes;
    std::vector<TestRecord> records;
    {
      DiskRig rig(folder.path());
      CHECK(rig.disk().recovery().blobs_missing == 0);
      check_agreement(rig, folder.path());
      check_promises(rig, (*shared).acknowledged);
      records = records_of(rig);
    }
    if (point % 3 != 0) continue;
    // The record files alone tell the same.
    fs::remove_all(folder.path() / "index");
    DiskRig rig(folder.path());
    CHECK(records_of(rig) == records);
  }
  CHECK(crashes > 50);
}

TEST_CASE("host: an index that is gone, cut short or overwritten is rebuilt from record files") {
  for (const std::string damage : {"gone", "empty", "short", "noise"}) {
    CAPTURE(damage);
    const TempFolder folder;
    const fs::path index = folder.path() / "index" / "data.mdb";
    std::vector<TestRecord> before;
    {
      DiskRig rig(folder.path());
      for (std::uint32_t i = 0; i < 20; ++i) {
        REQUIRE(rig.put_record({i % 4, 1, "n" + std::to_string(i), {}, 0}));
      }
      REQUIRE(rig.upload("image", 9, 1, image_x));
      before = records_of(rig);
    }
    if (damage == "gone") fs::remove_all(folder.path() / "index");
    if (damage == "empty") fs::resize_file(index, 0);
    if (damage == "short") fs::resize_file(index, 3 * 4096);
    if (damage == "noise") {
      const Bytes bytes = noise(4, 100'000);
      std::ofstream(index, std::ios::binary) << text_of(bytes);
    }

    DiskRig rig(folder.path());
    CHECK(rig.disk().recovery().index_rebuilt);
    CHECK(rig.disk().recovery().records_restored == 21);
    CHECK(rig.disk().recovery().blobs_trashed == 0);
    CHECK(records_of(rig) == before);
    check_agreement(rig, folder.path());
  }
}

TEST_CASE("host: what cannot be listed is not taken for gone when an index is rebuilt") {
  for (const std::string which : {"records", "blobs"}) {
    CAPTURE(which);
    const TempFolder folder;
    const TestRecord image{9, 1, "image", digest_of(image_x), image_x.size()};
    {
      DiskRig rig(folder.path());
      REQUIRE(rig.upload("image", 9, 1, image_x));
    }
    fs::remove_all(folder.path() / "index");
    const fs::path file = which == "records" ? record_path_of(image) : blob_path_of(image.digest);
    const fs::path unreadable = (folder.path() / file).parent_path();
    fs::rename(unreadable, folder.path() / "away");
    std::ofstream(unreadable) << "no folder";

    {
      auto disk = DiskFolder::open(folder.path(), [](int) { return 0; });
      REQUIRE(disk.has_value());
      const auto opened = open_and_recover(*disk.value(), 1U << 20, place_of, admit_by_version);
      REQUIRE_FALSE(opened.has_value());
      CHECK(opened.error().detail.find("cannot list") != std::string::npos);
    }
    fs::remove(unreadable);
    fs::rename(folder.path() / "away", unreadable);
    DiskRig rig(folder.path());
    CHECK(rig.disk().recovery().blobs_trashed == 0);
    CHECK(records_of(rig) == std::vector<TestRecord>{image});
    check_agreement(rig, folder.path());
  }
}

// LMDB would end the process over most of them.
TEST_CASE("host: an index with a spoilt page is rebuilt from record files, whatever the page") {
  constexpr std::streamoff page_bytes = 4096;
  enum { all, of_its_head, anywhere };  // bytes of the page
  const TempFolder folder;
  const fs::path index = folder.path() / "index" / "data.mdb";
  std::vector<TestRecord> before;
  {
    DiskRig rig(folder.path());
    for (std::uint32_t i = 0; i < 60; ++i) {
      REQUIRE(rig.put_record({i % 4, 1, "n" + std::to_string(i), {}, 0}));
    }
    before = records_of(rig);
  }
  const fs::path whole = folder.path() / "whole.mdb";
  fs::copy_file(index, whole);
  const auto pages = static_cast<std::streamoff>(fs::file_size(whole)) / page_bytes;
  std::uint32_t rebuilt = 0;
  Rng rng(7);
  for (std::streamoff page = 2; page < pages; ++page) {
    CAPTURE(page);
    for (const int spoilt : {all, of_its_head, anywhere}) {
      fs::remove_all(folder.path() / "index");
      fs::create_directory(folder.path() / "index");
      fs::copy_file(whole, index);
      {
        std::fstream file(index, std::ios::binary | std::ios::in | std::ios::out);
        const std::uint64_t span = spoilt == of_its_head ? 32 : page_bytes;
        const std::uint64_t at = spoilt == all ? 0 : rng.below(span);
        file.seekp(page * page_bytes + static_cast<std::streamoff>(at));
        file << (spoilt == all ? std::string(page_bytes, '\0') : std::string("\xff"));
      }
      DiskRig rig(folder.path());
      rebuilt += rig.disk().recovery().index_rebuilt ? 1 : 0;
      CHECK(records_of(rig) == before);
    }
  }
  CHECK(rebuilt > pages / 4);
}

TEST_CASE("host: record files and index heal each other at start") {
  const TempFolder folder;
  const TestRecord kept{3, 2, "kept", {}, 0};
  const TestRecord rotten{1, 1, "rotten", {}, 0};
  const TestRecord deleted{2, 1, "deleted", {}, 0};
  {
    DiskRig rig(folder.path());
    REQUIRE(rig.put_record(kept));
    REQUIRE(rig.put_record(rotten));
    REQUIRE(rig.put_record(deleted));
    // Written, and never committed: the partition stays marked.
    const TestRecord older{3, 1, "kept", {}, 0};
    (void)rig.get<Done>(WriteFile{record_path_of(older), encode(older)});
    const TestRecord fresh{1, 1, "fresh", {}, 0};
    (void)rig.get<Done>(WriteFile{record_path_of(fresh), encode(fresh)});
    const TestRecord no_blob{1, 1, "no blob", digest_of(image_x), 3'000};
    (void)rig.get<Done>(WriteFile{record_path_of(no_blob), encode(no_blob)});
  }
  std::ofstream(folder.path() / record_path_of(rotten)) << "rotten";
  fs::remove(folder.path() / record_path_of(deleted));

  DiskRig rig(folder.path());

  const RecoveryReport& report = rig.disk().recovery();
  CHECK(report.records_restored == 1);
  CHECK(report.files_restored == 3);
  CHECK(report.records_discarded == 1);
  CHECK(records_of(rig).size() == 4);
  check_agreement(rig, folder.path());
}

TEST_CASE("host: a start removes temps, trashes unnamed blobs and reports missing ones") {
  const TempFolder folder;
  {
    DiskRig rig(folder.path());
    REQUIRE(rig.upload("x", 1, 1, image_x));
    REQUIRE(rig.put_blob(image_y));
    (void)rig.get<Done>(CreateTemp{TempId{77}, false});
  }
  fs::remove(folder.path() / blob_path_of(digest_of(image_x)));
  fs::create_directory(folder.path() / "scratch" / "run-1");

  DiskRig rig(folder.path());

  const RecoveryReport& report = rig.disk().recovery();
  CHECK(report.temp_removed == 1);
  CHECK(report.blobs_trashed == 1);
  CHECK(report.blobs_missing == 1);
  CHECK(report.missing == std::vector{digest_of(image_x)});
  CHECK(!fs::exists(folder.path() / "scratch" / "run-1"));
  CHECK(files_below(folder.path() / "blobs").empty());
  CHECK(!report.index_rebuilt);
}

TEST_CASE("host: a folder of another format is refused with a reason") {
  const TempFolder folder;
  std::ofstream(folder.path() / "pixmesh.disk") << "format 2\ndisk 00\n";
  ChunkStore chunks;
  AnswerBox answers;

  const auto disk = LmdbDisk::open(DiskRig::options_for(folder.path()), chunks, answers);

  REQUIRE(!disk);
  CHECK(disk.error().code == ErrorCode::malformed);
}
