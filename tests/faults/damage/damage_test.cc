#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <map>
#include <set>

#include "base/rng.h"
#include "pictures.h"
#include "test_mesh.h"
#include "traffic.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

enum class Damage { flip, zeroes, cut, longer, emptied, removed, other_file };
constexpr std::array damages{Damage::flip,    Damage::zeroes,  Damage::cut,       Damage::longer,
                             Damage::emptied, Damage::removed, Damage::other_file};

enum class Finder { get, run, verify, scrub, restart };
constexpr std::array finders{Finder::get, Finder::run, Finder::verify, Finder::scrub,
                             Finder::restart};

class DamagedMesh {
 public:
  DamagedMesh() {
    put("photo.jpg", picture("jpg", 31));
    put("scan.png", picture("png", 32));
    for (int i = 0; i < 4; ++i) {
      put("small" + std::to_string(i), random_file(300'000, 40 + i));
    }
  }

  /// Changes the copies of one image on one or two of three nodes, has it found, and waits until
  /// every copy is whole again.
  void round(std::size_t number) {
    const Damage damage = damages[number % damages.size()];
    const Finder finder = finders[number % finders.size()];
    const std::string name = finder == Finder::run ? "photo.jpg" : pick_name();
    CAPTURE(number);
    CAPTURE(name);
    std::set<std::size_t> victims{chance_.below(3)};
    if (chance_.below(2) == 0) victims.insert(chance_.below(3));
    for (const std::size_t victim : victims) {
      inflict(damage, victim, name);
      ++damaged_;
    }
    find(finder, name, *victims.begin());
    // Whoever reads may have been given a whole copy: now every holder must look at its own.
    (void)mesh_.cli({"verify", name});
    const bool mended = becomes_true(30s, [&] { return is_whole_everywhere(name); });
    CHECK_MESSAGE(mended, "a copy of " << name << " stays damaged");
  }

  void check_all() {
    mesh_.wait_calm();
    CHECK(mesh_.cli({"verify"}).exit == 0);
    for (const auto& [name, file] : files_) {
      CHECK(is_whole_everywhere(name));
      for (std::size_t node = 0; node < mesh_.size(); ++node) {
        CHECK(mesh_.comes_back(node, name, file));
      }
    }
  }
  [[nodiscard]] std::size_t damaged() const { return damaged_; }
  [[nodiscard]] std::size_t reads() const { return reads_; }

 private:
  void put(const std::string& name, const fs::path& file) {
    mesh_.must({"put", file.string(), "--name", name, "--wait", "all"});
    files_[name] = file;
    paths_[name] = mesh_.json({"where", name})["path"].get<std::string>();
  }
  [[nodiscard]] std::string pick_name() {
    auto name = files_.begin();
    std::advance(name, static_cast<std::ptrdiff_t>(chance_.below(files_.size())));
    return name->first;
  }
  [[nodiscard]] fs::path copy_at(std::size_t node, const std::string& name) const {
    return mesh_.storage_of(node) / paths_.at(name);
  }
  [[nodiscard]] bool is_whole_everywhere(const std::string& name) const {
    for (std::size_t node = 0; node < mesh_.size(); ++node) {
      std::error_code error;
      if (!fs::exists(copy_at(node, name), error)) return false;
      if (!same_bytes(copy_at(node, name), files_.at(name))) return false;
    }
    return true;
  }

  void inflict(Damage damage, std::size_t node, const std::string& name) {
    const fs::path path = copy_at(node, name);
    const std::uintmax_t size = fs::file_size(path);
    switch (damage) {
      case Damage::flip:
        return overwrite(path, chance_.below(size), 1, '\x55');
      case Damage::zeroes:
        return overwrite(path, chance_.below(size - 4'096), 4'096, '\0');
      case Damage::cut:
        return fs::resize_file(path, chance_.below(size));
      case Damage::longer:
        return fs::resize_file(path, size + 1 + chance_.below(10'000));
      case Damage::emptied:
        return fs::resize_file(path, 0);
      case Damage::removed:
        fs::remove(path);
        return;
      case Damage::other_file:
        fs::copy_file(files_.at(name == "scan.png" ? "photo.jpg" : "scan.png"), path,
                      fs::copy_options::overwrite_existing);
        return;
    }
  }
  static void overwrite(const fs::path& path, std::uint64_t at, std::size_t count, char byte) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const bool same = count == 1 && file.peek() == static_cast<unsigned char>(byte);
    file.seekp(static_cast<std::streamoff>(at));
    file << std::string(count, same ? static_cast<char>(~byte) : byte);
  }

  void find(Finder finder, const std::string& name, std::size_t victim) {
    const std::string out = (mesh_.folder() / "out").string();
    switch (finder) {
      case Finder::get:
        for (std::size_t node = 0; node < mesh_.size(); ++node) {
          CHECK(mesh_.comes_back(node, name, files_.at(name)));
          ++reads_;
        }
        return;
      case Finder::run: {
        const auto ran = mesh_.cli({"run", "thumbnail", name, "width=64", "height=64", "-o", out});
        CHECK_MESSAGE(ran.exit == 0, ran.err);
        CHECK(size_of_picture(out).width > 0);
        ++reads_;
        return;
      }
      case Finder::verify:
        CHECK(mesh_.cli({"verify", name}).exit == 9);
        return;
      case Finder::scrub:
        CHECK(mesh_.cli({"scrub", "--wait"}).exit == 9);
        return;
      case Finder::restart:
        mesh_.kill_node(victim);
        mesh_.restart_node(victim);
        return mesh_.wait_calm();
    }
  }

  TestMesh mesh_;
  std::map<std::string, fs::path> files_;
  std::map<std::string, fs::path> paths_;
  Rng chance_{11};
  std::size_t damaged_ = 0;
  std::size_t reads_ = 0;
};

}  // namespace

TEST_SUITE("damage") {
  TEST_CASE("damage: files changed behind a node's back are never given out, and mended") {
    const std::size_t rounds = asked_count("PIXMESH_DAMAGE_ROUNDS", 16);
    DamagedMesh mesh;
    for (std::size_t number = 0; number < rounds; ++number) mesh.round(number);
    mesh.check_all();
    MESSAGE(rounds << " rounds, " << mesh.damaged() << " copies damaged and mended, "
                   << mesh.reads() << " reads meanwhile");
  }
}
