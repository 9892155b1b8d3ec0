#include <doctest/doctest.h>

#include "mounted.h"
#include "test_mesh.h"
#include "traffic.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// A disk whose state at one instant can be kept while it is written to: what a loss of power would
/// leave of it. Caches are lost; what ext4 was told to sync is not.
///
///   file on any file system ── loop ── XFS ── image ── loop ── ext4 ── the nodes' folders
///                                        └─── kept: a clone of the image
class CuttableDisk {
 public:
  CuttableDisk(const fs::path& folder, const fs::path& at)
      : image_(folder / "xfs" / "image"), kept_(folder / "xfs" / "kept"), at_(at) {
    const fs::path below = folder / "below";
    write_file(below, "");
    fs::resize_file(below, 20ULL << 30);  // sparse
    if (!succeeds({"mkfs.xfs", "-q", "-m", "reflink=1", below.string()})) return;
    xfs_ = Mounted::image(below, folder / "xfs");
    if (!xfs_.exists()) return;
    write_file(image_, "");
    fs::resize_file(image_, 8ULL << 30);
    if (succeeds({"mkfs.ext4", "-q", "-F", image_.string()})) mount();
  }
  [[nodiscard]] bool exists() const { return ext4_.exists(); }
  void keep_this_instant() {
    REQUIRE(succeeds({"cp", "--reflink=always", image_.string(), kept_.string()}));
  }
  /// Nobody may use the disk at the moment.
  void go_back_to_it() {
    REQUIRE(ext4_.unmount());
    fs::rename(kept_, image_);
    mount();
    REQUIRE(exists());
  }

 private:
  void mount() { ext4_ = Mounted::image(image_, at_, "loop,discard"); }

  fs::path image_;
  fs::path kept_;
  fs::path at_;
  Mounted xfs_;
  Mounted ext4_;
};

/// Three nodes on one disk: all of them lose power at the same instant.
class PoweredMesh {
 public:
  explicit PoweredMesh(CuttableDisk& disk, const fs::path& root)
      : disk_(disk), mesh_({.root = root}) {}

  void round(std::size_t number) {
    CAPTURE(number);
    if (number > 0) traffic_.start();
    const std::uint64_t before = traffic_.acknowledged();
    REQUIRE(becomes_true(60s, [&] { return traffic_.acknowledged() >= before + 20; }));

    traffic_.doubt(true);  // what is acknowledged from here on may be gone
    disk_.keep_this_instant();
    for (std::size_t node = 0; node < mesh_.size(); ++node) mesh_.kill_node(node);
    disk_.go_back_to_it();
    const std::size_t missing = number % mesh_.size();
    traffic_.check_rescued(rescued_from(folders_without(missing)));

    for (std::size_t node = 0; node < mesh_.size(); ++node) mesh_.restart_node(node);
    traffic_.stop();
    mesh_.wait_calm();
    traffic_.check_through_each_node(mesh_);
    traffic_.doubt(false);
  }
  void look_at_copies() { check_every_copy(mesh_); }
  [[nodiscard]] std::string figures() const { return traffic_.figures(); }

 private:
  [[nodiscard]] std::vector<fs::path> folders_without(std::size_t missing) const {
    std::vector<fs::path> folders;
    for (std::size_t node = 0; node < mesh_.size(); ++node) {
      if (node != missing) folders.push_back(mesh_.storage_of(node));
    }
    return folders;
  }

  CuttableDisk& disk_;
  TestMesh mesh_;
  // A client whose node is there again at once waits for an answer until its deadline.
  Traffic traffic_{mesh_, {.writers = 3, .largest = 300'000, .deadline = 5s}};
};

}  // namespace

TEST_SUITE("power_cut") {
  TEST_CASE("power cut: what was acknowledged before all nodes lose power is there afterwards") {
    const TempFolder folder;
    const fs::path root = folder.path() / "nodes";
    CuttableDisk disk(folder.path(), root);
    if (!disk.exists()) {
      MESSAGE("skipped: XFS and ext4 images may not be made or mounted here");
      return;
    }
    const std::size_t cuts = asked_count("PIXMESH_POWER_CUTS", 2);
    PoweredMesh mesh(disk, root);
    for (std::size_t number = 0; number < cuts; ++number) mesh.round(number);
    mesh.look_at_copies();
    MESSAGE(cuts << " cuts of all three nodes, " << mesh.figures());
  }
}
