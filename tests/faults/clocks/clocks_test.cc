#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <thread>

#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// What the shim adds to the wall clock of one node.
class WallClock {
 public:
  explicit WallClock(fs::path file) : file_(std::move(file)) { set(0); }
  /// In place: the node has the file mapped.
  void set(std::int64_t seconds) {
    std::fstream file(file_, std::ios::binary | std::ios::in | std::ios::out);
    if (!file) file.open(file_, std::ios::binary | std::ios::out);
    file.write(reinterpret_cast<const char*>(&seconds), sizeof seconds);
  }
  [[nodiscard]] Words variables() const {
    return {"LD_PRELOAD=" CLOCK_SHIM, "CLOCK_SHIM_CONTROL=" + file_.string()};
  }

 private:
  fs::path file_;
};

/// Three nodes; the first one's clock can be set.
class SkewedMesh {
 public:
  SkewedMesh() : clock_(folder_.path() / "clock") {
    MeshOptions options;
    options.place = [this](std::size_t node) {
      NodePlace place;
      if (node == 0) place.variables = clock_.variables();
      return place;
    };
    mesh_.emplace(options);
    mesh_->wait_calm();
    std::ofstream(image_) << "these are the bytes";
  }

  [[nodiscard]] ProcessAnswer put(const std::string& name) {
    return mesh_->cli_at(0, {"put", image_.string(), "--name", name});
  }
  [[nodiscard]] Json clock_of_first() {
    const Json status = mesh_->json_at(1, {"status"});
    for (const Json& node : status["nodes"]) {
      if (node["address"] == mesh_->address(0) && node.contains("clock")) return node["clock"];
    }
    return {{"orders_writes", nullptr}};
  }
  /// Whether the first node comes to coordinate writes, or no more.
  [[nodiscard]] bool comes_to_order(bool wanted) {
    const auto late = std::chrono::steady_clock::now() + 30s;
    while (clock_of_first()["orders_writes"] != wanted) {
      if (std::chrono::steady_clock::now() > late) return false;
      std::this_thread::sleep_for(100ms);
    }
    return true;
  }

  TempFolder folder_;
  fs::path image_ = folder_.path() / "image";
  WallClock clock_;
  std::optional<TestMesh> mesh_;
};

}  // namespace

TEST_CASE("clocks: a node whose clock is off takes no writes, clients find the others") {
  SkewedMesh skewed;
  REQUIRE(skewed.put("before.png").exit == 0);
  for (const std::int64_t seconds : {74, -74, 86'400 * 3'650}) {
    CAPTURE(seconds);
    skewed.clock_.set(seconds);
    REQUIRE(skewed.comes_to_order(false));

    for (int i = 0; i < 6; ++i) {
      const auto put = skewed.put("skewed" + std::to_string(i) + ".png");
      CHECK_MESSAGE(put.exit == 0, put.err);
    }
    const auto status = skewed.mesh_->cli_at(0, {"status"});
    for (const char* words : {"so it coordinates no writes until it is right", "chronyc"}) {
      CHECK_MESSAGE(status.out.find(words) != std::string::npos, status.out);
    }

    skewed.clock_.set(0);
    REQUIRE(skewed.comes_to_order(true));
    CHECK(skewed.put("after.png").exit == 0);
  }
}
