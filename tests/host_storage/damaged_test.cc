#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "disk_rig.h"

using namespace pixmesh;
using namespace pixmesh::storage_test;
namespace fs = std::filesystem;

namespace {

void overwrite(const fs::path& path, std::streamoff at, char byte) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file.put(byte);
}

PartitionSummary summary_of(DiskRig& rig, std::uint32_t partition) {
  for (const PartitionSummary& one : rig.get<DiskSummary>(Summarize{}).partitions) {
    if (one.partition == PartitionId{partition}) return one;
  }
  return {};
}

void mark(DiskRig& rig, const Digest& digest, bool damaged) {
  (void)rig.get<Done>(
      PutValues{{damaged_row(digest, damaged ? std::optional(Bytes{}) : std::nullopt)}});
}

const Digest lowest{};
Digest highest() {
  Digest digest;
  digest.raw.fill(0xff);
  return digest;
}

}  // namespace

TEST_CASE("host: a blob is verified by its whole content, the first of a range of digests") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const Bytes image = noise(1, 2 * chunk_bytes_max + 17);
  const Digest digest = digest_of(image);
  CHECK(rig.get<BlobVerified>(VerifyBlob{lowest, highest()}).digest == Digest{});
  REQUIRE(rig.upload("x", 7, 1, image));

  const auto whole = rig.get<BlobVerified>(VerifyBlob{lowest, highest()});
  CHECK(whole.intact);
  CHECK(whole.digest == digest);
  CHECK(whole.partition == PartitionId{7});
  CHECK(whole.size == image.size());
  Digest before = digest;
  --before.raw[31];
  CHECK(rig.get<BlobVerified>(VerifyBlob{lowest, before}).digest == Digest{});

  const fs::path path = folder.path() / blob_path_of(digest);
  overwrite(path, 2 * chunk_bytes_max + 3, '!');
  const auto rotten = rig.get<BlobVerified>(VerifyBlob{digest, digest});
  CHECK_FALSE(rotten.intact);
  CHECK(rotten.digest == digest);
  overwrite(path, 2 * chunk_bytes_max + 3, static_cast<char>(image[2 * chunk_bytes_max + 3]));
  CHECK(rig.get<BlobVerified>(VerifyBlob{digest, digest}).intact);
  for (const std::uintmax_t size : {image.size() - 1, image.size() + 1, std::uintmax_t{0}}) {
    fs::resize_file(path, size);
    CHECK_FALSE(rig.get<BlobVerified>(VerifyBlob{digest, digest}).intact);
  }
  fs::remove(path);
  CHECK_FALSE(rig.get<BlobVerified>(VerifyBlob{digest, digest}).intact);
}

TEST_CASE(
    "host: a damaged blob changes the sums of all partitions that name it, until it is mended") {
  const TempFolder folder;
  DiskRig rig(folder.path());
  const Bytes image = noise(2, 5'000);
  const Digest digest = digest_of(image);
  REQUIRE(rig.upload("a", 1, 1, image));
  REQUIRE(rig.upload("b", 2, 1, image));
  REQUIRE(rig.upload("c", 3, 1, noise(3, 100)));
  const std::uint64_t first = summary_of(rig, 1).fingerprint;
  const std::uint64_t third = summary_of(rig, 3).fingerprint;

  mark(rig, digest, true);
  mark(rig, digest, true);

  CHECK(summary_of(rig, 1).damaged_count == 1);
  CHECK(summary_of(rig, 2).damaged_count == 1);
  CHECK(summary_of(rig, 3).damaged_count == 0);
  CHECK(summary_of(rig, 1).fingerprint != first);
  CHECK(summary_of(rig, 3).fingerprint == third);
  const FindRecord find{PartitionId{1}, name_digest_of("a"), {}, digest};
  CHECK(rig.get<StoredRecord>(find).damaged);
  CHECK_FALSE(rig.get<StoredRecord>(FindRecord{PartitionId{1}, name_digest_of("a")}).damaged);
  CHECK(rig.get<BlobVerified>(VerifyBlob{digest, digest}).marked);

  mark(rig, digest, false);
  CHECK(summary_of(rig, 1).fingerprint == first);
  CHECK(summary_of(rig, 1).damaged_count == 0);
  CHECK_FALSE(rig.get<StoredRecord>(find).damaged);
  CHECK_FALSE(rig.get<BlobVerified>(VerifyBlob{digest, digest}).marked);
}

TEST_CASE("host: a mark of damage outlives a reopen and a new version, and goes with its bytes") {
  const TempFolder folder;
  const Bytes image = noise(4, 5'000);
  const Digest digest = digest_of(image);
  {
    DiskRig rig(folder.path());
    REQUIRE(rig.upload("a", 1, 1, image));
    mark(rig, digest, true);
  }
  DiskRig rig(folder.path());
  CHECK(summary_of(rig, 1).damaged_count == 1);
  REQUIRE(rig.put_record({1, 2, "a", digest, image.size()}));  // a tag changed: the same bytes
  CHECK(summary_of(rig, 1).damaged_count == 1);
  REQUIRE(rig.put_record({1, 3, "a", {}, 0}));
  CHECK(summary_of(rig, 1).damaged_count == 0);
  CHECK(rig.get<TableRows>(LoadTable{Table::damaged}).rows.empty());
  mark(rig, digest, true);
  CHECK(rig.get<TableRows>(LoadTable{Table::damaged}).rows.empty());
}

TEST_CASE("host: a record whose bytes are lost is committed without them, with its mark") {
  const TempFolder folder;
  const Bytes image = noise(7, 5'000);
  const TestRecord record{1, 1, "a", digest_of(image), image.size()};
  {
    DiskRig rig(folder.path());
    check_code(rig.ask(commit_of(record)), ErrorCode::not_found);
    (void)rig.get<Done>(WriteFile{record_path_of(record), encode(record)});
    (void)rig.get<Done>(SyncFolders{{record_path_of(record)}});
    CommitRecord commit = commit_of(record);
    commit.bytes_lost = true;
    CHECK(rig.get<CommitOutcome>(commit).code == stored);
    CHECK(summary_of(rig, 1).damaged_count == 1);
  }
  DiskRig rig(folder.path());
  CHECK(summary_of(rig, 1).damaged_count == 1);
  CHECK(rig.disk().recovery().records_discarded == 0);

  REQUIRE(rig.put_blob(image));  // they turn up after all
  REQUIRE(rig.put_record(record));
  mark(rig, record.digest, false);
  CHECK(rig.get<BlobVerified>(VerifyBlob{record.digest, record.digest}).intact);
}

TEST_CASE("host: a blob that is gone at the start is marked as damaged") {
  const TempFolder folder;
  const Bytes image = noise(5, 5'000);
  const Digest digest = digest_of(image);
  {
    DiskRig rig(folder.path());
    REQUIRE(rig.upload("a", 1, 1, image));
    REQUIRE(rig.upload("b", 1, 1, noise(6, 100)));
  }
  fs::remove(folder.path() / blob_path_of(digest));
  DiskRig rig(folder.path());
  CHECK(rig.disk().recovery().blobs_missing == 1);
  CHECK(summary_of(rig, 1).damaged_count == 1);
  CHECK(rig.get<TableRows>(LoadTable{Table::damaged}).rows.size() == 1);
}
