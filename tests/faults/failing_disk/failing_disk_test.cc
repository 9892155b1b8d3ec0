#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <new>

#include "base/rng.h"
#include "disk_checks.h"
#include "fault_shim.h"
#include "test_mesh.h"
#include "traffic.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t victim = 1;
constexpr std::uint32_t always = 1'000'000'000;

/// The order in a file, mapped here and by the node.
class FaultSwitch {
 public:
  explicit FaultSwitch(const fs::path& file) : file_(file) {
    write_file(file, std::string(sizeof(FaultOrder), '\0'));
    const int opened = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    void* mapped =
        ::mmap(nullptr, sizeof(FaultOrder), PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
    ::close(opened);
    REQUIRE(mapped != MAP_FAILED);
    order_ = new (mapped) FaultOrder;
  }
  ~FaultSwitch() { ::munmap(order_, sizeof(FaultOrder)); }
  FaultSwitch(const FaultSwitch&) = delete;
  FaultSwitch& operator=(const FaultSwitch&) = delete;

  void let_fail(FaultOrder::Kind kind, const std::string& path, std::uint32_t skipped,
                std::uint32_t times) {
    heal();
    REQUIRE(path.size() < sizeof order_->path);
    std::strcpy(order_->path, path.c_str());
    order_->skipped = skipped;
    order_->times = times;
    order_->bytes = 0;
    order_->hits = 0;
    order_->kind = kind;
  }
  void leave_bytes(std::int64_t bytes) { order_->bytes = bytes; }
  void heal() { order_->kind = FaultOrder::none; }
  [[nodiscard]] std::uint64_t hits() const { return order_->hits; }
  [[nodiscard]] Words variables() const {
    return {"LD_PRELOAD=" FAULT_SHIM, "FAULT_SHIM_CONTROL=" + file_.string()};
  }

 private:
  fs::path file_;
  FaultOrder* order_ = nullptr;
};

/// Whether a disk counts as failed then. A refused rename fails its write alone.
enum class Fate { fails, lives, either };

struct Fault {
  FaultOrder::Kind kind;
  const char* below;    // of the data folder
  std::uint32_t times;  // how many calls fail
  Fate fate;
  const char* name;
};
constexpr std::array faults{
    Fault{FaultOrder::sync_fails, "tmp/", 1, Fate::fails, "one sync of a temp file"},
    Fault{FaultOrder::no_space, "tmp/", always, Fate::lives, "no space for images"},
    Fault{FaultOrder::sync_fails, "index/", 1, Fate::fails, "one sync of the index"},
    Fault{FaultOrder::short_writes, "tmp/", always, Fate::lives, "short writes"},
    Fault{FaultOrder::sync_fails, "records", 1, Fate::fails, "one sync of a folder of records"},
    Fault{FaultOrder::sync_fails, "blobs", 1, Fate::fails, "one sync of a folder of images"},
    Fault{FaultOrder::write_fails, "tmp/", 3, Fate::either, "some writes of temp files"},
    Fault{FaultOrder::rename_fails, "blobs", 1, Fate::either, "one rename of an image"},
    Fault{FaultOrder::write_fails, "index/", 1, Fate::fails, "one write of the index"},
    Fault{FaultOrder::no_space, "", always, Fate::either, "no space at all"},
    Fault{FaultOrder::rename_fails, "records", 1, Fate::either, "one rename of a record"},
    // Of its meta page LMDB cannot take it back.
    Fault{FaultOrder::short_writes, "index/", 1, Fate::either, "one short write of the index"},
    Fault{FaultOrder::no_space, "index/", always, Fate::lives, "no space for the index"},
    Fault{FaultOrder::read_fails, "blobs", 20, Fate::lives, "some reads of images"},
    Fault{FaultOrder::read_fails, "blobs", always, Fate::either, "all reads of images"},
};

class ShimmedMesh {
 public:
  void round(std::size_t number) {
    const Fault& fault = faults[number % faults.size()];
    const std::string name = fault.name;
    CAPTURE(number);
    CAPTURE(name);
    if (number > 0) traffic_.start();
    wait_for_writes(10);
    inflict(fault);
    if (fault.kind == FaultOrder::read_fails) read_at_victim();
    REQUIRE_MESSAGE(becomes_true(20s, [&] { return fault_.hits() > 0; }), "nothing failed");
    if (fault.fate == Fate::fails) {
      CHECK(becomes_true(10s, [&] { return names_failed_disk(mesh_, victim); }));
    } else {
      wait_for_writes(20);
    }
    const bool failed = names_failed_disk(mesh_, victim);
    if (fault.fate == Fate::lives) CHECK_FALSE(failed);
    if (failed) check_goes_on_without(mesh_, victim);
    traffic_.stop();
    traffic_.check_through_each_node(mesh_);
    look_again_when_healed();
  }
  [[nodiscard]] std::string figures() const { return traffic_.figures(); }

 private:
  [[nodiscard]] MeshOptions options() const {
    MeshOptions options;
    options.place = [this](std::size_t node) {
      NodePlace place;
      if (node == victim) place.variables = fault_.variables();
      return place;
    };
    return options;
  }
  void wait_for_writes(std::uint64_t count) {
    const std::uint64_t before = traffic_.acknowledged();
    REQUIRE(becomes_true(60s, [&] { return traffic_.acknowledged() >= before + count; }));
  }
  void inflict(const Fault& fault) {
    const std::string path = (mesh_.storage_of(victim) / fault.below).string();
    const auto skipped = static_cast<std::uint32_t>(chance_.below(6));
    fault_.let_fail(fault.kind, path, skipped, fault.times);
    if (fault.kind == FaultOrder::no_space) {
      fault_.leave_bytes(static_cast<std::int64_t>(chance_.below(2'000'000)));
    }
  }
  /// Clients choose whose copy they read, and may never choose this one's: it reads all of its own
  /// too.
  void read_at_victim() {
    traffic_.stop();
    traffic_.check_through_each_node(mesh_);
    (void)mesh_.cli({"verify"});
    CHECK(fault_.hits() > 0);
    traffic_.check_through_each_node(mesh_);
    traffic_.start();
  }
  void look_again_when_healed() {
    fault_.heal();
    (void)mesh_.stop_node(victim);
    mesh_.restart_node(victim);
    mesh_.wait_calm();
    CHECK(mesh_.json({"status"})["totals"]["disks_failed"] == 0);
    traffic_.check_through_each_node(mesh_);
    check_every_copy(mesh_, 0s);
    const std::size_t other = victim + 1;
    traffic_.check_rescued(rescued_from({mesh_.storage_of(victim), mesh_.storage_of(other)}));
  }

  TempFolder folder_;
  FaultSwitch fault_{folder_.path() / "order"};
  TestMesh mesh_{options()};
  Traffic traffic_{mesh_, {.writers = 2, .largest = 300'000}};
  Rng chance_{31};
};

}  // namespace

TEST_SUITE("failing_disk") {
  TEST_CASE(
      "failing disk: after its first failed sync it acknowledges nothing, and nothing is lost") {
    const std::size_t rounds = asked_count("PIXMESH_DISK_FAULT_ROUNDS", 2);
    ShimmedMesh mesh;
    for (std::size_t number = 0; number < rounds; ++number) mesh.round(number);
    MESSAGE(rounds << " faults, " << mesh.figures());
  }
}
