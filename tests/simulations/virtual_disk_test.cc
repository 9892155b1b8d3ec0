#include "simulations/world/virtual_disk.h"

#include <doctest/doctest.h>

#include "spoiled_mesh.h"

using namespace pixmesh;

namespace {

const PartitionId partition{5};
const std::string record_file = "partition/record";
const Bytes lists{1};

/// A disk that admits whatever it is asked, as a broken node would.
class Credulous {
 public:
  Credulous() : disk_(clock_, Rng(1), {0, admits_all, tombstone}) {
    disk_.open(chunks_, [](const DiskAnswered&) {});
    submit(PutValues{{{Table::lists, Bytes{0, 0, 0, 5}, lists}}});
  }

  void write_record_file(bool durable) {
    submit(WriteFile{record_file, Bytes{7}});
    if (durable) submit(SyncFolders{{record_file}});
  }
  void commit(Bytes fence) {
    CommitRecord commit;
    commit.partition = partition;
    commit.name = "image";
    commit.record = {7};
    commit.fence = std::move(fence);
    submit(commit);
  }
  [[nodiscard]] std::string fault() const {
    return disk_.faults().empty() ? "" : disk_.faults().front();
  }

  VirtualDisk& disk() { return disk_; }

 private:
  static Admission admits_all(ByteView, ByteView, ByteView, ByteView, ByteView) {
    return {1, true, {}};
  }
  static Result<RecordPlace> tombstone(ByteView) {
    return RecordPlace{partition, {}, "image", {}, 0, record_file, ""};
  }
  void submit(DiskOperation operation) {
    disk_.submit(OperationId{++tickets_}, std::move(operation));
    while (clock_.step(clock_.now() + 10s)) {
    }
  }

  VirtualClock clock_;
  ChunkPool chunks_;
  VirtualDisk disk_;
  std::uint64_t tickets_ = 0;
};

}  // namespace

TEST_CASE("simulations: a disk finds a write that was admitted under other lists than its own") {
  for (const Bytes& fence : {Bytes{}, lists, Bytes{2}}) {
    Credulous node;
    node.write_record_file(true);
    node.commit(fence);
    const bool other = fence == Bytes{2};
    CHECK(node.fault() ==
          (other ? "a write under other lists than this disk's was admitted: image" : ""));
  }
}

TEST_CASE("simulations: a disk finds a record that was committed before its file was durable") {
  Credulous node;
  node.write_record_file(false);
  node.commit(lists);
  CHECK(node.fault() == "a record was committed before its file was durable: image");
}

TEST_CASE("simulations: a disk that is rolled back has what it had, and nothing newer") {
  Credulous node;
  const auto before = node.disk().contents();
  node.write_record_file(true);
  node.commit(lists);
  const auto after = node.disk().contents();
  const Bytes row{0, 0, 0, 5};

  node.disk().restore(before);
  CHECK(node.disk().records().empty());
  CHECK(node.disk().file(record_file) == nullptr);
  CHECK(node.disk().row(Table::lists, row) == lists);

  node.disk().restore(after);
  CHECK(node.disk().records().size() == 1);
  CHECK(node.disk().is_durable(record_file));

  node.disk().restore({});
  CHECK_FALSE(node.disk().row(Table::lists, row).has_value());
}

// 266625 at 3ffc670: a file rotted, rotted once more, and came back as the first time had left it.
// Nobody waited for the scrub then, and I2 took what it would mend for broken.
TEST_CASE("simulations: what had rotted on a disk has rotted when that is put back") {
  SpoiledMesh mesh;
  const std::string path = mesh.path();
  VirtualDisk& disk = mesh.world_.disk(mesh.holders().front());
  const auto whole = disk.contents();
  disk.damage(path);
  const auto rotten = disk.contents();
  disk.damage(path);

  disk.restore(rotten);
  CHECK(disk.rotten() == std::vector{path});
  CHECK(mesh.world_.unrest().size() == 1);

  disk.restore(whole);
  CHECK(disk.rotten().empty());
  CHECK(mesh.world_.unrest().empty());
}
