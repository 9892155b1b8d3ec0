// What a disk without room refuses, and what still goes on.
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fstream>

#include "disk_rig.h"

using namespace pixmesh;
using namespace pixmesh::storage_test;
namespace fs = std::filesystem;

namespace {

/// A file system in memory, of this size; needs the right to mount one.
class SmallDisk {
 public:
  explicit SmallDisk(const char* options)
      : mounted_(::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, options) == 0) {
    if (!mounted_) MESSAGE("SKIPPED: no right to mount a tmpfs here");
  }
  ~SmallDisk() {
    if (mounted_) ::umount(path().c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const fs::path& path() const { return folder_.path(); }
  [[nodiscard]] std::uint64_t free_bytes() const { return fs::space(path()).available; }
  /// Another file takes all that is left, or all but some of it.
  void fill(std::uint64_t but = 0) const {
    std::ofstream file(path() / "stranger");
    for (const Bytes block(4096); file && free_bytes() > but;) {
      file.write(reinterpret_cast<const char*>(block.data()), 4096).flush();
    }
  }
  void free() const { fs::remove(path() / "stranger"); }

 private:
  TempFolder folder_;
  bool mounted_ = false;
};

}  // namespace

TEST_CASE("host: no image begins that would leave less than a twentieth of the disk") {
  const SmallDisk disk("size=8m");
  if (!disk.mounted()) return;
  DiskRig rig(disk.path());
  const Bytes image = noise(7, chunk_bytes_max);
  REQUIRE(rig.upload("before", 1, 1, image));
  const std::uint64_t room = disk.free_bytes() - (8U << 20) / 20;
  check_code(rig.ask(CreateTemp{TempId{900}, false, room + 4096}), ErrorCode::no_space);

  (void)rig.get<Done>(CreateTemp{TempId{901}, false, room - 4096});
  CHECK(disk.free_bytes() < (8U << 20) / 20 + 8192);  // reserved before the first byte has come
  check_code(rig.ask(CreateTemp{TempId{902}, false, 8192}), ErrorCode::no_space);
  CHECK(rig.get<DiskSummary>(Summarize{}).full);
  (void)rig.get<Done>(DropTemp{TempId{901}});
  CHECK_FALSE(rig.get<DiskSummary>(Summarize{}).full);
  CHECK(rig.upload("after", 1, 1, noise(8, chunk_bytes_max)));

  disk.fill((8U << 20) / 40);
  check_code(rig.ask(CreateTemp{TempId{903}, false}), ErrorCode::no_space);
  CHECK(rig.put_record({1, 2, "before", {}, 0}));  // a deletion
  CHECK(rig.read(blob_path_of(digest_of(noise(8, chunk_bytes_max))), 0, 10).size() == 10);
  disk.free();
  CHECK(rig.upload("again", 1, 1, image));
}

TEST_CASE("host: a file takes no more room than its bytes when more had been expected") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  (void)rig.get<Done>(CreateTemp{TempId{900}, false, 1U << 20});
  (void)rig.get<Done>(AppendChunk{TempId{900}, rig.chunk_of(noise(1, 5'000))});
  (void)rig.get<Synced>(SyncTemp{TempId{900}});
  (void)rig.get<Done>(PublishTemp{TempId{900}, "blobs/aa/bb/file"});
  struct stat facts {};
  REQUIRE(::stat((folder.path() / "blobs/aa/bb/file").c_str(), &facts) == 0);
  CHECK(facts.st_size == 5'000);
  CHECK(facts.st_blocks * 512 < 64 << 10);
}

TEST_CASE("host: a disk that is full to the byte shows nothing half done, and recovers") {
  const SmallDisk disk("size=4m");
  if (!disk.mounted()) return;
  const Bytes image = noise(7, chunk_bytes_max);
  DiskRig rig(disk.path());
  REQUIRE(rig.upload("first", 1, 1, image));
  std::size_t acknowledged = 1;
  disk.fill(100'000);
  std::uint32_t refused = 0;
  for (std::uint32_t i = 0; i < 400 && refused < 40; ++i) {
    const auto outcome = rig.put_record({i % 3, 1, "n" + std::to_string(i), {}, 0});
    if (outcome) ++acknowledged;
    if (!outcome) {
      ++refused;
      CHECK_MESSAGE(outcome.error().code == ErrorCode::no_space, outcome.error().detail);
    }
  }
  CHECK(refused == 40);
  CHECK(rig.get<RecordPage>(ListNames{}).records.size() == acknowledged);
  CHECK(files_below(disk.path() / "records").size() == acknowledged);
  CHECK(rig.read(blob_path_of(digest_of(image)), 0, chunk_bytes_max) == image);
  disk.free();
  CHECK(rig.upload("again", 1, 1, noise(9, chunk_bytes_max)));
}

TEST_CASE("host: a write of the index that a full disk cuts short is no space, and no failure") {
  const SmallDisk disk("size=8m");
  if (!disk.mounted()) return;
  DiskRig rig(disk.path());
  REQUIRE(rig.upload("before", 1, 1, noise(7, 50'000)));
  disk.fill(64U << 10);
  const auto put_large = [&rig] {
    return rig.ask(PutValues{{TableRow{Table::facts, {'l'}, Bytes(200'000, 'x')}}});
  };

  check_code(put_large(), ErrorCode::no_space);

  CHECK(rig.read(blob_path_of(digest_of(noise(7, 50'000))), 0, 10).size() == 10);
  disk.free();
  CHECK(put_large().has_value());
  CHECK(rig.upload("after", 1, 1, noise(9, 50'000)));
}
