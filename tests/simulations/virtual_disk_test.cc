#include "simulations/world/virtual_disk.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "simulations/world/mesh_world.h"
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
    disk_.open(chunks_, [this](const DiskAnswered& told) {
      answer_ = told.answer ? ErrorCode{} : told.answer.error().code;
    });
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
  ErrorCode append(TempId temp, std::size_t size) {
    return submit(AppendChunk{temp, chunks_.add(std::make_shared<const Bytes>(size))});
  }
  ErrorCode submit(DiskOperation operation) {
    disk_.submit(OperationId{++tickets_}, std::move(operation));
    while (clock_.step(clock_.now() + 10s)) {
    }
    return answer_;
  }

 private:
  static Admission admits_all(ByteView, ByteView, ByteView, ByteView, ByteView) {
    return {1, true, {}};
  }
  static Result<RecordPlace> tombstone(ByteView) {
    return RecordPlace{partition, {}, "image", {}, 0, record_file, ""};
  }

  VirtualClock clock_;
  ChunkPool chunks_;
  VirtualDisk disk_;
  std::uint64_t tickets_ = 0;
  ErrorCode answer_{};
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

TEST_CASE("simulations: a file that was written half is good for nothing any more") {
  Credulous node;
  const TempId half{1};
  const TempId whole{2};
  for (const TempId temp : {half, whole}) CHECK(node.submit(CreateTemp{temp}) == ErrorCode{});
  node.disk().trouble.short_writes = 1;

  CHECK(node.append(half, 1'000) == ErrorCode::no_space);
  CHECK(node.append(whole, 1'000) == ErrorCode{});
  CHECK(node.append(half, 1'000) == ErrorCode::no_space);
  CHECK(node.submit(SyncTemp{half}) == ErrorCode::no_space);
  CHECK(node.submit(PublishTemp{half, "blobs/half"}) == ErrorCode::no_space);
  CHECK(node.submit(SyncTemp{whole}) == ErrorCode{});
  CHECK(node.submit(PublishTemp{whole, "blobs/whole"}) == ErrorCode{});
  CHECK(node.disk().blob_paths() == std::vector<std::string>{"blobs/whole"});
  CHECK(node.submit(DropTemp{half}) == ErrorCode{});
  CHECK(node.disk().temp_count() == 0);
}

TEST_CASE("simulations: a record file that is written half stays what it was") {
  Credulous node;
  node.write_record_file(true);
  node.disk().trouble.short_writes = 1;
  CHECK(node.submit(WriteFile{record_file, Bytes{8}}) == ErrorCode::no_space);
  CHECK(*node.disk().file(record_file) == Bytes{7});
}

TEST_CASE("simulations: a page of zeros is found by whoever reads it, and mended") {
  const auto world = settled_mesh(3, 4);
  const Bytes image = MeshWorld::sample_image(10'000, 1);
  REQUIRE(world->put(0, "image", image).code == ErrorCode{});
  REQUIRE(world->run_until_settled());
  VirtualDisk& disk = world->disk(1);
  const std::string path = disk.blob_paths().front();

  disk.zero_page(path, 4);  // the second of three
  Bytes zeroed = image;
  std::fill(zeroed.begin() + 4'096, zeroed.begin() + 8'192, std::uint8_t{0});
  CHECK(*disk.file(path) == zeroed);
  CHECK(disk.is_durable(path));
  CHECK(disk.rotten() == std::vector<std::string>{path});

  CHECK(world->get(1, "image").value() == image);
  CHECK(world->run_until_settled());
  CHECK(*disk.file(path) == image);
}
