#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <set>

#include "fault_shim.h"
#include "test_mesh.h"
#include "traffic.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t changed = 1;  // the node whose disks change

std::set<std::string> record_files_in(const fs::path& disk) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(disk / "records")) {
    if (entry.path().extension() == ".rec") names.insert(entry.path().filename().string());
  }
  return names;
}

/// A mesh of three, the second node of which gets another disk while clients write.
class ChangingMesh {
 public:
  explicit ChangingMesh(Words variables = {}, Words node_words = {})
      : mesh_([&] {
          MeshOptions options;
          options.node_words = std::move(node_words);
          options.place = [variables](std::size_t node) {
            NodePlace place;
            if (node == changed) place.variables = variables;
            return place;
          };
          return options;
        }()) {}

  [[nodiscard]] TestMesh& mesh() { return mesh_; }
  [[nodiscard]] Traffic& traffic() { return traffic_; }
  [[nodiscard]] fs::path first() const { return mesh_.storage_of(changed); }
  [[nodiscard]] fs::path second() const { return first().parent_path() / "second"; }

  void wait_for_writes(std::uint64_t count) {
    const std::uint64_t before = traffic_.acknowledged();
    REQUIRE(becomes_true(60s, [&] { return traffic_.acknowledged() >= before + count; }));
  }
  ProcessAnswer tell(const std::string& what) {
    return mesh_.cli_at(changed, {"node", "disk", what, second().string()});
  }
  void add_second() {
    wait_for_writes(60);
    fs::create_directories(second());
    const ProcessAnswer added = tell("add");
    REQUIRE_MESSAGE(added.exit == 0, added.err);
  }
  [[nodiscard]] Json disks() {
    const Json status = mesh_.json({"status"});
    for (const Json& one : status["nodes"]) {
      if (one["address"] == mesh_.address(changed) && one.contains("disks")) return one["disks"];
    }
    return Json::array();
  }
  [[nodiscard]] bool is_in_order() const {
    return mesh_.log_of(changed).find("disks_in_order") != std::string::npos;
  }
  /// Also while clients write.
  void wait_until_in_order() {
    REQUIRE(becomes_true(180s, [&] { return is_in_order(); }));
  }
  [[nodiscard]] bool is_any_failed() {
    for (const Json& disk : disks()) {
      if (disk["state"] == "failed") return true;
    }
    return false;
  }
  /// Nothing is missing, and every file has its disk.
  void check_all_is_well() {
    traffic_.stop();
    mesh_.wait_calm();
    traffic_.check_through_each_node(mesh_);
    check_every_copy(mesh_);
  }
  /// Nothing misses the second disk, now and after a restart.
  void check_first_has_all() {
    check_all_is_well();
    CHECK(disks().size() == 1);
    (void)mesh_.stop_node(changed);
    mesh_.restart_node(changed);
    mesh_.wait_calm();
    CHECK(disks().size() == 1);
    check_every_copy(mesh_);
    check_rescued({first()});
  }
  /// One of three nodes has all.
  void check_rescued(const std::vector<fs::path>& folders) {
    for (std::size_t node = 0; node < mesh_.size(); ++node) CHECK(mesh_.stop_node(node) == 0);
    traffic_.check_rescued(rescued_from(folders));
  }
  void check_nothing_is_twice() {
    std::set<std::string> both = record_files_in(first());
    const std::set<std::string> there = record_files_in(second());
    CHECK(both.size() > 5);
    CHECK(there.size() > 5);
    for (const std::string& name : there) CHECK_FALSE(both.contains(name));
  }

 private:
  TestMesh mesh_;
  Traffic traffic_{mesh_, {.writers = 2, .largest = 300'000}};
};

/// Lets calls of a node fail: the order in a file, mapped here and by the node.
class SyncFailure {
 public:
  explicit SyncFailure(const fs::path& file) : file_(file) {
    const int opened = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(::ftruncate(opened, sizeof(FaultOrder)) == 0);
    void* mapped =
        ::mmap(nullptr, sizeof(FaultOrder), PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
    ::close(opened);
    REQUIRE(mapped != MAP_FAILED);
    order_ = new (mapped) FaultOrder;
  }
  ~SyncFailure() { ::munmap(order_, sizeof(FaultOrder)); }
  SyncFailure(const SyncFailure&) = delete;
  SyncFailure& operator=(const SyncFailure&) = delete;
  /// The next sync of a file below this folder.
  void strike(const fs::path& folder) {
    const std::string path = (folder / "tmp").string();
    REQUIRE(path.size() < sizeof order_->path);
    std::strcpy(order_->path, path.c_str());
    order_->skipped = 0;
    order_->times = 1;
    order_->hits = 0;
    order_->kind = FaultOrder::sync_fails;
  }
  [[nodiscard]] Words variables() const {
    return {"LD_PRELOAD=" FAULT_SHIM, "FAULT_SHIM_CONTROL=" + file_.string()};
  }

 private:
  fs::path file_;
  FaultOrder* order_ = nullptr;
};

}  // namespace

TEST_SUITE("disk_changes") {
  TEST_CASE("disk changes: a disk added to a running node takes its share, and loses nothing") {
    ChangingMesh rig;
    rig.add_second();
    rig.wait_for_writes(40);
    rig.check_all_is_well();
    CHECK(rig.disks().size() == 2);
    CHECK(becomes_true(20s, [&] {
      for (const std::string& name : record_files_in(rig.second())) {
        if (record_files_in(rig.first()).contains(name)) return false;
      }
      return true;
    }));
    rig.check_nothing_is_twice();

    // It is found again, though nobody names it.
    CHECK(rig.mesh().stop_node(changed) == 0);
    rig.mesh().restart_node(changed);
    rig.mesh().wait_calm();
    CHECK(rig.disks().size() == 2);
    CHECK(rig.mesh().log_of(changed).find("copies_doubted") == std::string::npos);
    check_says(rig.tell("add"), 2, {"in use already"});
    check_says(rig.tell("remove"), 2, {"has not failed"});
    check_every_copy(rig.mesh());
    rig.check_rescued({rig.first(), rig.second()});
  }

  TEST_CASE("disk changes: a node killed while partitions move goes on, and loses nothing") {
    const std::size_t kills = asked_count("PIXMESH_DISK_MOVE_KILLS", 4);
    ChangingMesh rig;
    rig.add_second();
    std::size_t in_the_middle = 0;
    for (std::size_t kill = 0; kill < kills; ++kill) {
      if (kill > 0) rig.wait_for_writes(kill);
      rig.mesh().kill_node(changed);
      in_the_middle += rig.is_in_order() ? 0 : 1;
      rig.wait_for_writes(2);
      rig.mesh().restart_node(changed);
    }
    rig.check_all_is_well();
    CHECK(rig.disks().size() == 2);
    rig.check_rescued({rig.first(), rig.second()});
    CHECK(in_the_middle > 0);
    MESSAGE(kills << " kills, " << in_the_middle << " of them in the middle, "
                  << rig.traffic().figures());
  }

  TEST_CASE("disk changes: a failed disk is replaced while the node runs, and filled again") {
    TempFolder folder;
    SyncFailure failure(folder.path() / "order");
    ChangingMesh rig(failure.variables());
    rig.add_second();
    rig.wait_until_in_order();

    failure.strike(rig.second());
    REQUIRE(becomes_true(20s, [&] { return rig.is_any_failed(); }));
    CHECK(rig.mesh().log_of(changed).find("error disk_failed") != std::string::npos);
    check_says(rig.tell("replace"), 2, {"not empty"});
    rig.wait_for_writes(20);
    for (const auto& entry : fs::directory_iterator(rig.second())) fs::remove_all(entry);
    const ProcessAnswer replaced = rig.tell("replace");
    REQUIRE_MESSAGE(replaced.exit == 0, replaced.err);
    rig.wait_for_writes(20);
    rig.check_all_is_well();

    CHECK_FALSE(rig.is_any_failed());
    CHECK(rig.disks().size() == 2);
    CHECK(record_files_in(rig.second()).size() > 5);
    rig.check_rescued({rig.first(), rig.second()});
  }

  TEST_CASE(
      "disk changes: the others of its node take the share of a failed disk that is removed") {
    TempFolder folder;
    SyncFailure failure(folder.path() / "order");
    ChangingMesh rig(failure.variables());
    rig.add_second();
    rig.wait_until_in_order();

    failure.strike(rig.second());
    REQUIRE(becomes_true(20s, [&] { return rig.is_any_failed(); }));
    const ProcessAnswer removed = rig.tell("remove");
    REQUIRE_MESSAGE(removed.exit == 0, removed.err);
    rig.wait_for_writes(10);
    rig.check_first_has_all();
  }

  TEST_CASE("disk changes: a failed disk that nobody looks after is given up by its node") {
    TempFolder folder;
    SyncFailure failure(folder.path() / "order");
    ChangingMesh rig(failure.variables(), {"--out-delay", "5s"});
    rig.add_second();
    rig.wait_until_in_order();

    failure.strike(rig.second());
    REQUIRE(becomes_true(20s, [&] { return rig.is_any_failed(); }));
    CHECK(rig.disks().size() == 2);
    REQUIRE(becomes_true(40s, [&] { return rig.disks().size() == 1; }));
    rig.wait_for_writes(10);
    rig.check_first_has_all();
  }
}
