#include <doctest/doctest.h>

#include <deque>

#include "base/digest.h"
#include "node/drop_strays.h"
#include "node/partition_move.h"
#include "node/stored_rules.h"
#include "ring/partition.h"
#include "simulations/world/virtual_disk.h"
#include "wire/stored.h"

using namespace pixmesh;

namespace {

constexpr std::uint64_t placement_key = 7;
constexpr std::uint32_t bits = 4;

/// Two disks of one node, and the move between them.
class TwoDisks {
 public:
  TwoDisks() {
    for (VirtualDisk* disk : {&from, &to}) {
      disk->open(chunks_, [this](const DiskAnswered& answered) { answers_.push_back(answered); });
    }
  }

  static Bytes bytes_of_seed(std::uint8_t seed) { return Bytes(300, seed); }
  ImageRecord put(VirtualDisk& disk, const std::string& name, std::uint8_t seed,
                  std::uint64_t clock = 5) {
    ImageRecord record;
    record.name = name;
    record.version.clock = clock;
    const Bytes bytes = bytes_of_seed(seed);
    record.digest = digest_of(bytes);
    record.size = bytes.size();
    record.checksums = {chunk_checksum(bytes)};
    disk.write_file(blob_path(record.digest, record.media), bytes);
    commit(disk, record);
    return record;
  }
  /// As a check of the copy leaves it that found it damaged.
  void mark(VirtualDisk& disk, const ImageRecord& record) {
    disk.write_row(damaged_row(record.digest, Bytes{}));
  }
  void lose(VirtualDisk& disk, const ImageRecord& record) {
    disk.damage(blob_path(record.digest, record.media));
    mark(disk, record);
  }
  /// Whether the disk has exactly these bytes, and no mark against them.
  static bool has_whole(const VirtualDisk& disk, const ImageRecord& record, std::uint8_t seed) {
    const SharedBytes file = disk.file(blob_path(record.digest, record.media));
    return file && *file == bytes_of_seed(seed) && !disk.is_damaged(record.digest);
  }
  void bury(VirtualDisk& disk, const std::string& name, std::uint64_t clock) {
    ImageRecord record;
    record.name = name;
    record.version.clock = clock;
    record.tombstone = true;
    commit(disk, record);
  }
  static PartitionId partition_of_name(const std::string& name) {
    return partition_of(name, placement_key, bits);
  }

  /// Until it has ended or waits. @param steps  answers that it may get
  void run(Operation& move, Effects effects, std::size_t steps = 10'000) {
    for (;;) {
      for (Effect& effect : effects) perform(effect);
      if (answers_.empty() && !clock_.step(clock_.now() + 1s)) return;
      if (answers_.empty()) {
        effects.clear();
        continue;
      }
      if (steps-- == 0) return;
      const DiskAnswered answered = answers_.front();
      answers_.pop_front();
      effects =
          answered.ticket == move.id() ? move.on_disk(clock_.now(), answered.answer) : Effects{};
    }
  }
  std::unique_ptr<MovePartitions> move_of(std::vector<PartitionId> partitions) {
    std::ranges::sort(partitions);
    partitions.erase(std::unique(partitions.begin(), partitions.end()), partitions.end());
    auto move =
        std::make_unique<MovePartitions>(next_id(), view_, codec_, 0, 1, std::move(partitions));
    run(*move, move->start(clock_.now()));
    return move;
  }
  void close(MovePartitions& move) { run(move, move.on_closed(clock_.now(), move.partitions())); }
  [[nodiscard]] Instant now() const { return clock_.now(); }
  OperationId next_id() { return OperationId{++last_}; }

 private:
  VirtualClock clock_;
  ChunkPool chunks_;
  std::deque<DiskAnswered> answers_;
  RecordCodec codec_ = stored_codec();
  MeshView view_;
  std::uint64_t last_ = 100;

  static VirtualDisk::Options options(std::uint32_t index) {
    VirtualDisk::Options options;
    options.index = index;
    options.admit = admit_stored;
    options.place = [](ByteView record) { return place_stored(record, placement_key, bits); };
    return options;
  }
  void commit(VirtualDisk& disk, const ImageRecord& record) {
    const PartitionId partition = partition_of_name(record.name);
    CommitRecord request;
    request.partition = partition;
    request.name_digest = name_digest_of(record.name);
    request.name = record.name;
    request.digest = record.digest;
    request.size = record.size;
    request.record = encode_record(record);
    disk.write_file(record_path(partition, request.name_digest), request.record);
    disk.submit(OperationId{1}, std::move(request));
    while (answers_.empty()) (void)clock_.step(clock_.now() + 1s);
    CHECK(answers_.front().answer.has_value());
    answers_.clear();
  }
  void perform(Effect& effect) {
    if (const auto* one = std::get_if<SuspectBytes>(&effect)) suspected.push_back(one->digest);
    auto* use = std::get_if<UseDisk>(&effect);
    if (use == nullptr) return;
    VirtualDisk& disk = use->partition == address_of_disk(0) ? from : to;
    disk.submit(use->answered ? OperationId{last_} : OperationId{}, std::move(use->operation));
  }

 public:
  VirtualDisk from{clock_, Rng(1), options(0)};
  VirtualDisk to{clock_, Rng(2), options(1)};
  std::vector<Digest> suspected;
};

}  // namespace

TEST_CASE("node: a move makes the other disk equal, whatever was there, and then says so") {
  TwoDisks disks;
  std::vector<PartitionId> partitions;
  for (std::uint8_t i = 0; i < 20; ++i) {
    const std::string name = "image" + std::to_string(i);
    (void)disks.put(disks.from, name, i);
    partitions.push_back(TwoDisks::partition_of_name(name));
  }
  disks.bury(disks.from, "image3", 9);
  (void)disks.put(disks.to, "image3", 3);                       // deleted on the other one since
  (void)disks.put(disks.to, "image4", 99, 50);                  // of another time
  (void)disks.put(disks.to, "image5", 5);                       // equal already
  const ImageRecord none = disks.put(disks.to, "image77", 77);  // unknown on the other one
  partitions.push_back(TwoDisks::partition_of_name("image77"));

  const std::size_t faults_before = disks.to.faults().size();  // the test itself syncs nothing
  const auto move = disks.move_of(partitions);
  REQUIRE(move->is_ready());
  disks.close(*move);

  CHECK(move->finished());
  CHECK(move->problem() == "");
  CHECK(move->moved() == move->partitions());
  CHECK(disks.to.records().size() == disks.from.records().size());
  for (const auto& [key, record] : disks.from.records()) {
    CHECK(disks.to.records().at(key).bytes == record.bytes);
  }
  CHECK_FALSE(disks.to.names(blob_path(none.digest, none.media)));
  CHECK(disks.to.faults().size() == faults_before);  // no record before its bytes are durable
}

TEST_CASE("node: what was written after it was copied is not moved, and goes with the next move") {
  TwoDisks disks;
  (void)disks.put(disks.from, "early", 1);
  const PartitionId partition = TwoDisks::partition_of_name("early");
  const auto move = disks.move_of({partition});
  REQUIRE(move->is_ready());
  (void)disks.put(disks.from, "early", 2, 8);
  disks.close(*move);
  CHECK(move->finished());
  CHECK(move->moved().empty());

  const auto next = disks.move_of({partition});
  disks.close(*next);
  CHECK(next->moved() == std::vector{partition});
}

TEST_CASE("node: a damaged file is not copied; its disk keeps the partition") {
  TwoDisks disks;
  const ImageRecord record = disks.put(disks.from, "image", 1);
  disks.from.damage(blob_path(record.digest, record.media));
  const auto move = disks.move_of({TwoDisks::partition_of_name("image")});
  CHECK(move->finished());
  CHECK(move->moved().empty());
  CHECK(move->problem() != "");
  CHECK(disks.to.records().empty());
  CHECK(disks.to.temp_count() == 0);
  CHECK(disks.suspected == std::vector{record.digest});
}

TEST_CASE("node: the record of a lost image moves with its mark, and its partition with it") {
  TwoDisks disks;
  const ImageRecord lost = disks.put(disks.from, "image", 1);
  SUBCASE("whose bytes are damaged") { disks.lose(disks.from, lost); }
  SUBCASE("whose bytes are gone") {
    disks.from.remove_file(blob_path(lost.digest, lost.media));
    disks.mark(disks.from, lost);
  }
  SUBCASE("of which the other disk has the record, and bytes that are no better") {
    (void)disks.put(disks.to, "image", 1);
    disks.lose(disks.from, lost);
    disks.to.damage(blob_path(lost.digest, lost.media));
  }
  const PartitionId partition = TwoDisks::partition_of_name("image");

  const auto move = disks.move_of({partition});
  REQUIRE(move->is_ready());
  disks.close(*move);

  CHECK(move->moved() == std::vector{partition});
  CHECK(disks.to.records().size() == 1);
  CHECK(disks.to.is_damaged(lost.digest));
  CHECK(disks.to.summary().partitions.front().damaged_count == 1);
  CHECK(disks.to.summary().partitions.front().fingerprint ==
        disks.from.summary().partitions.front().fingerprint);
  CHECK(disks.to.temp_count() == 0);
}

TEST_CASE("node: what is marked and whole moves whole, and without the mark") {
  TwoDisks disks;
  const ImageRecord image = disks.put(disks.from, "image", 1);
  disks.mark(disks.from, image);
  SUBCASE("") {}
  SUBCASE("also where the other disk took it for lost") {
    disks.lose(disks.to, disks.put(disks.to, "image", 1));
  }
  const PartitionId partition = TwoDisks::partition_of_name("image");
  const auto move = disks.move_of({partition});
  REQUIRE(move->is_ready());
  disks.close(*move);
  CHECK(move->moved() == std::vector{partition});
  CHECK(TwoDisks::has_whole(disks.to, image, 1));
}

TEST_CASE("node: a mark and one wrong read do not make whole bytes a lost image") {
  TwoDisks disks;
  const ImageRecord image = disks.put(disks.from, "image", 1);
  disks.mark(disks.from, image);
  SUBCASE("read from elsewhere") { disks.from.trouble.misdirected_reads = 1; }
  SUBCASE("not read at all, twice") { disks.from.trouble.failing_reads = 2; }
  const auto move = disks.move_of({TwoDisks::partition_of_name("image")});
  CHECK(move->finished());
  CHECK(move->moved().empty());
  CHECK(disks.to.records().empty());
  CHECK(disks.suspected == std::vector{image.digest});  // a check takes the mark back
}

TEST_CASE("node: whole bytes on the other disk are kept where those of the old one are lost") {
  TwoDisks disks;
  const ImageRecord image = disks.put(disks.from, "image", 1, 9);
  SUBCASE("left by an earlier move") { (void)disks.put(disks.to, "image", 1, 9); }
  SUBCASE("left before the record changed") { (void)disks.put(disks.to, "image", 1, 5); }
  SUBCASE("of another name") { (void)disks.put(disks.to, "twin of it", 1); }
  disks.lose(disks.from, image);
  const PartitionId partition = TwoDisks::partition_of_name("image");
  REQUIRE(partition != TwoDisks::partition_of_name("twin of it"));

  const auto move = disks.move_of({partition});
  REQUIRE(move->is_ready());
  disks.close(*move);

  CHECK(move->moved() == std::vector{partition});
  CHECK(TwoDisks::has_whole(disks.to, image, 1));
}

TEST_CASE("node: what is mended after its mark was copied is copied whole by the next move") {
  TwoDisks disks;
  const ImageRecord image = disks.put(disks.from, "image", 1);
  disks.lose(disks.from, image);
  const PartitionId partition = TwoDisks::partition_of_name("image");
  const auto move = disks.move_of({partition});
  REQUIRE(move->is_ready());
  disks.from.write_file(blob_path(image.digest, image.media), TwoDisks::bytes_of_seed(1));
  disks.from.write_row(damaged_row(image.digest, std::nullopt));
  disks.close(*move);
  CHECK(move->moved().empty());

  const auto next = disks.move_of({partition});
  disks.close(*next);
  CHECK(next->moved() == std::vector{partition});
  CHECK(TwoDisks::has_whole(disks.to, image, 1));
}

TEST_CASE("node: a partition that waits for a copy to be mended holds up no other") {
  TwoDisks disks;
  std::vector<PartitionId> partitions;
  for (std::uint8_t i = 0; i < 6; ++i) {
    const std::string name = "image" + std::to_string(i);
    const ImageRecord record = disks.put(disks.from, name, i);
    partitions.push_back(TwoDisks::partition_of_name(name));
    if (i == 0) disks.from.damage(blob_path(record.digest, record.media));
  }
  const auto move = disks.move_of(partitions);
  REQUIRE(move->is_ready());
  disks.close(*move);
  CHECK(move->problem() != "");
  CHECK(move->moved().size() == move->chosen().size() - 1);
  CHECK_FALSE(std::ranges::count(move->moved(), partitions.front()));
  CHECK(disks.to.temp_count() == 0);
}

// Else every move would fail at it until the scrub comes by, within a week.
TEST_CASE("node: a file that a move cannot read is suspected, so that it is mended") {
  TwoDisks disks;
  const ImageRecord record = disks.put(disks.from, "image", 1);
  disks.from.trouble.failing_reads = 1;
  const auto move = disks.move_of({TwoDisks::partition_of_name("image")});
  CHECK(move->moved().empty());
  CHECK(disks.suspected == std::vector{record.digest});
}

TEST_CASE(
    "node: a move that stops after any step leaves the old disk whole; the next completes it") {
  for (std::size_t steps = 1; steps < 60; ++steps) {
    TwoDisks disks;
    std::vector<PartitionId> partitions;
    for (std::uint8_t i = 0; i < 4; ++i) {
      const std::string name = "image" + std::to_string(i);
      (void)disks.put(disks.from, name, i);
      partitions.push_back(TwoDisks::partition_of_name(name));
    }
    std::ranges::sort(partitions);
    partitions.erase(std::unique(partitions.begin(), partitions.end()), partitions.end());
    const VirtualDisk::Contents before = disks.from.contents();
    {
      MeshView view;
      const RecordCodec codec = stored_codec();
      MovePartitions cut(OperationId{100}, view, codec, 0, 1, partitions);
      disks.run(cut, cut.start(disks.now()), steps);
    }
    CHECK(disks.from.contents().records.size() == before.records.size());

    const auto move = disks.move_of(partitions);
    CAPTURE(steps);
    REQUIRE_MESSAGE(move->is_ready(), move->problem());
    disks.close(*move);
    CHECK(move->moved() == partitions);
  }
}

TEST_CASE("node: what has come to lie on a disk since it was found strayed is not dropped") {
  TwoDisks disks;
  std::vector<PartitionId> partitions;
  for (std::uint8_t i = 0; i < 8; ++i) {
    const std::string name = "image" + std::to_string(i);
    (void)disks.put(disks.to, name, i);
    partitions.push_back(TwoDisks::partition_of_name(name));
  }
  std::ranges::sort(partitions);
  const auto lies_elsewhere = [&](PartitionId partition) {
    // As if other disks came when the first partition, the last in order, had been dropped.
    const bool has_changed = disks.to.records().size() < 8;
    return has_changed && partition < partitions.back() ? Stray::no : Stray::yes;
  };
  const RecordCodec codec = stored_codec();
  DropStrays strays(disks.next_id(), codec, 1, lies_elsewhere);
  disks.run(strays, strays.start(disks.now()));
  CHECK(strays.finished());
  CHECK(disks.to.records().size() ==
        8 - static_cast<std::size_t>(std::ranges::count(partitions, partitions.back())));
}
