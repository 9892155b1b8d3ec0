#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <fstream>
#include <thread>

#include "base/rng.h"
#include "test_mesh.h"
#include "traffic.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

enum class Change {
  index_put_back,  // the index alone, to what it was some seconds ago
  disk_put_back,   // the whole data folder
  removed,
  cut,
  emptied,
  zeroed,         // the whole file
  pages_zeroed,   // a third of them
  pages_flipped,  // a bit in each of a third of them
};
constexpr std::array changes{
    std::pair{Change::index_put_back, "index put back"},
    std::pair{Change::removed, "removed"},
    std::pair{Change::cut, "cut"},
    std::pair{Change::disk_put_back, "disk put back"},
    std::pair{Change::emptied, "emptied"},
    std::pair{Change::zeroed, "zeroed"},
};
constexpr std::uint64_t page_bytes = 4'096;
// What is put back by less than five seconds is not noticed; see docs/architecture.md.
constexpr std::chrono::seconds noticed_after{6};

class RolledBackMesh {
 public:
  /// One change to one node's index while it is down; then everything is looked at.
  void round(std::size_t number, Change change) {
    const std::size_t victim = chance_.below(mesh_.size());
    CAPTURE(victim);
    if (number > 0) traffic_.start();
    const bool back = change == Change::index_put_back || change == Change::disk_put_back;
    if (back) remember(victim, change);
    wait_for_writes(20);
    CHECK(mesh_.stop_node(victim) == 0);
    apply(change, victim);
    wait_for_writes(5);
    mesh_.restart_node(victim);
    const std::optional<int> ended = mesh_.wait_end(victim, 2s);
    REQUIRE_MESSAGE(!ended, "the node ended with " << ended.value_or(0));
    mesh_.wait_calm();

    traffic_.stop();
    mesh_.wait_calm();
    traffic_.check_through_each_node(mesh_);
    const std::size_t other = (victim + 1) % mesh_.size();
    traffic_.check_rescued(rescued_from({mesh_.storage_of(victim), mesh_.storage_of(other)}));
    check_every_copy(mesh_);
  }
  [[nodiscard]] std::string figures() const { return traffic_.figures(); }

 private:
  [[nodiscard]] fs::path index_of(std::size_t node) const {
    return mesh_.storage_of(node) / "index" / "data.mdb";
  }
  [[nodiscard]] fs::path kept() const { return mesh_.folder() / "kept"; }

  /// A copy of what a stopped node has; then it runs on for a while.
  void remember(std::size_t victim, Change change) {
    CHECK(mesh_.stop_node(victim) == 0);
    fs::remove_all(kept());
    const fs::path from =
        change == Change::disk_put_back ? mesh_.storage_of(victim) : index_of(victim);
    fs::copy(from, kept(), fs::copy_options::recursive);
    mesh_.restart_node(victim);
    mesh_.wait_calm();
    std::this_thread::sleep_for(noticed_after);
  }
  void wait_for_writes(std::uint64_t count) {
    const std::uint64_t before = traffic_.acknowledged();
    REQUIRE(becomes_true(60s, [&] { return traffic_.acknowledged() >= before + count; }));
  }

  void apply(Change change, std::size_t victim) {
    const fs::path index = index_of(victim);
    const std::uint64_t size = fs::file_size(index);
    switch (change) {
      case Change::index_put_back:
        fs::copy_file(kept(), index, fs::copy_options::overwrite_existing);
        return;
      case Change::disk_put_back:
        fs::remove_all(mesh_.storage_of(victim));
        fs::copy(kept(), mesh_.storage_of(victim), fs::copy_options::recursive);
        return;
      case Change::removed:
        fs::remove_all(index.parent_path());
        return;
      case Change::cut:
        fs::resize_file(index, chance_.below(size));
        return;
      case Change::emptied:
        fs::resize_file(index, 0);
        return;
      case Change::zeroed:
        fs::resize_file(index, 0);
        fs::resize_file(index, size);
        return;
      case Change::pages_zeroed:
      case Change::pages_flipped:
        return spoil_pages(index, size / page_bytes, change == Change::pages_zeroed);
    }
  }

  void spoil_pages(const fs::path& index, std::uint64_t pages, bool zeroes) {
    std::fstream file(index, std::ios::in | std::ios::out | std::ios::binary);
    for (std::uint64_t page = 0; page < pages; ++page) {
      if (chance_.below(3) != 0) continue;
      const std::uint64_t at = page * page_bytes + (zeroes ? 0 : chance_.below(page_bytes));
      std::string bytes(zeroes ? page_bytes : 1, '\0');
      if (!zeroes) {
        file.seekg(static_cast<std::streamoff>(at));
        file.read(bytes.data(), 1);
        bytes[0] = static_cast<char>(bytes[0] ^ (1 << chance_.below(8)));
      }
      file.seekp(static_cast<std::streamoff>(at));
      file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
    CHECK(file.good());
  }

  TestMesh mesh_;
  Traffic traffic_{mesh_, {.writers = 2, .largest = 60'000}};
  Rng chance_{23};
};

}  // namespace

TEST_SUITE("index_rollback") {
  TEST_CASE("index rollback: with an index put back, cut or zeroed nothing is lost") {
    const std::size_t rounds = asked_count("PIXMESH_ROLLBACK_ROUNDS", 2);
    RolledBackMesh mesh;
    for (std::size_t number = 0; number < rounds; ++number) {
      const auto& [change, name] = changes[number % changes.size()];
      const std::string words = name;
      CAPTURE(number);
      CAPTURE(words);
      mesh.round(number, change);
    }
    MESSAGE(rounds << " changes, " << mesh.figures());
  }

  // LMDB alone would follow a page number to beyond the end of its file, and end the process at a
  // page of the wrong kind.
  TEST_CASE("index rollback: with pages of its index spoilt a node starts, and nothing is lost") {
    const std::size_t rounds = asked_count("PIXMESH_SPOILT_INDEX_ROUNDS", 1);
    RolledBackMesh mesh;
    for (std::size_t number = 0; number < rounds; ++number) {
      CAPTURE(number);
      mesh.round(number, number % 2 == 0 ? Change::pages_zeroed : Change::pages_flipped);
    }
    MESSAGE(rounds << " spoilt indexes, " << mesh.figures());
  }
}
