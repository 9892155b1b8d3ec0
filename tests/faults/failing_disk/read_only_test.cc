#include <doctest/doctest.h>

#include <fstream>

#include "disk_checks.h"
#include "mounted.h"
#include "test_mesh.h"
#include "traffic.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t fragile = 1;

/// Where the kernel takes word that an ext4 file system is broken; empty: nowhere.
fs::path alarm_of(const fs::path& mounted) {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string device, folder, rest;
       mounts >> device >> folder && std::getline(mounts, rest);) {
    if (folder != mounted.string()) continue;
    return "/sys/fs/ext4" / fs::path(device).filename() / "trigger_fs_error";
  }
  return {};
}

/// An ext4 file system that becomes read-only under whoever writes to it, as after an I/O error.
class FragileDisk {
 public:
  FragileDisk(fs::path image, fs::path at) : image_(std::move(image)), at_(std::move(at)) {
    write_file(image_, "");
    fs::resize_file(image_, 1U << 30);  // room for whatever a slow machine writes meanwhile
    if (succeeds({"mkfs.ext4", "-q", "-F", image_.string()})) mount();
  }
  [[nodiscard]] bool exists() const { return mounted_.exists() && fs::exists(alarm_of(at_)); }
  void become_read_only() {
    std::ofstream alarm(alarm_of(at_));
    alarm << "the test says so" << std::flush;
    REQUIRE(alarm.good());
    std::ofstream refused(at_ / "refused");
    REQUIRE_FALSE(refused.good());
  }
  /// Repaired, by the tool that everybody uses, while no node has it.
  void repair() {
    REQUIRE(mounted_.unmount());
    (void)succeeds({"e2fsck", "-fy", image_.string()});  // 1: it mended something
    REQUIRE(succeeds({"e2fsck", "-fn", image_.string()}));
    mount();
    REQUIRE(exists());
  }

 private:
  void mount() { mounted_ = Mounted::image(image_, at_, "loop,errors=remount-ro"); }

  fs::path image_;
  fs::path at_;
  Mounted mounted_;
};

}  // namespace

TEST_SUITE("failing_disk") {
  TEST_CASE("failing disk: one that becomes read-only is named, and the others go on without it") {
    TempFolder folder;
    FragileDisk disk(folder.path() / "image", folder.path() / "node-1" / "images");
    if (!disk.exists()) {
      MESSAGE("skipped: no ext4 file system may be mounted and broken here");
      return;
    }
    MeshOptions options;
    options.root = folder.path();
    TestMesh mesh(options);
    Traffic traffic(mesh, {.writers = 2, .largest = 300'000});
    REQUIRE(becomes_true(60s, [&] { return traffic.acknowledged() >= 30; }));

    disk.become_read_only();
    REQUIRE(becomes_true(10s, [&] { return names_failed_disk(mesh, fragile); }));
    check_goes_on_without(mesh, fragile);
    (void)mesh.stop_node(fragile);
    disk.repair();
    mesh.restart_node(fragile);
    const std::uint64_t before = traffic.acknowledged();
    REQUIRE(becomes_true(60s, [&] { return traffic.acknowledged() >= before + 20; }));
    traffic.stop();
    mesh.wait_calm();

    CHECK(mesh.json({"status"})["totals"]["disks_failed"] == 0);
    traffic.check_through_each_node(mesh);
    check_every_copy(mesh);
    for (std::size_t node = 0; node < mesh.size(); ++node) CHECK(mesh.stop_node(node) == 0);
    traffic.check_rescued(rescued_from({mesh.storage_of(fragile), mesh.storage_of(0)}));
    MESSAGE("once, " << traffic.figures());
  }
}
