#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "simulations/world/mesh_world.h"

using namespace pixmesh;

namespace {

/// What may be read under a name: the last acknowledged content, or one whose write was never
/// acknowledged and so may still appear. No content: deleted or never there.
struct Expectation {
  std::optional<Bytes> acknowledged;
  std::vector<std::optional<Bytes>> unknown;

  [[nodiscard]] bool allows(const std::optional<Bytes>& seen) const {
    return seen == acknowledged || std::find(unknown.begin(), unknown.end(), seen) != unknown.end();
  }
};

/// One random life of a mesh: writes, deletions, crashes, restarts, joins and cuts, then healing.
class History {
 public:
  explicit History(std::uint64_t seed) : world_({.seed = seed}), rng_(seed * 977 + 5) {
    world_.add_nodes(3 + static_cast<std::uint32_t>(rng_.below(3)));
    CHECK(world_.run_until_settled());
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    world_.heal_all();
    for (std::uint32_t node = 0; node < world_.node_count(); ++node) {
      if (!world_.is_running(node)) world_.restart(node);
    }
    world_.run_until_settled(240s);
    CHECK(joined(world_.unrest()) == "");
    CHECK(joined(world_.faults()) == "");
    for (const std::uint32_t via : world_.running()) {
      for (const auto& [name, expected] : names_) check(via, name, expected, true);
    }
  }

 private:
  void step() {
    const std::uint64_t dice = rng_.below(100);
    if (dice < 45) {
      write(dice < 10);
    } else if (dice < 55) {
      remove();
    } else if (dice < 70) {
      read();
    } else if (dice < 77) {
      crash_one();
    } else if (dice < 87) {
      restart_one();
    } else if (dice < 90) {
      if (world_.node_count() < 6) world_.add_node();
    } else if (dice < 95) {
      const auto a = any(world_.node_count());
      const auto b = any(world_.node_count());
      if (a != b) world_.cut(a, b);
    } else {
      world_.heal_all();
    }
    world_.run_for(std::chrono::milliseconds(rng_.below(2'000)));
  }

  [[nodiscard]] std::uint32_t any(std::size_t count) {
    return static_cast<std::uint32_t>(rng_.below(count));
  }
  [[nodiscard]] std::optional<std::uint32_t> any_running() {
    const auto running = world_.running();
    if (running.empty()) return std::nullopt;
    return running[any(running.size())];
  }
  [[nodiscard]] std::string any_name() { return "image" + std::to_string(rng_.below(10)); }

  void write(bool with_crash) {
    const auto via = any_running();
    if (!via) return;
    const std::string name = any_name();
    const std::size_t size = rng_.below(6) == 0 ? 1'100'000 : 300 + rng_.below(3'000);
    const Bytes image = MeshWorld::sample_image(size, rng_.next());
    const auto course = world_.client().begin_put(*via, name, image, {});
    if (with_crash) {
      world_.run_for(std::chrono::microseconds(rng_.below(25'000)));
      crash_one();
    }
    (void)world_.run_until([&] { return course->done || !world_.is_running(*via); }, 130s);
    note(name, image, course->done && course->done->code == ErrorCode{});
  }

  void remove() {
    const auto via = any_running();
    if (!via) return;
    const std::string name = any_name();
    const WriteDone done = world_.remove(*via, name);
    if (done.code == ErrorCode::not_found) return;
    note(name, std::nullopt, done.code == ErrorCode{});
  }

  void note(const std::string& name, const std::optional<Bytes>& content, bool acknowledged) {
    if (acknowledged) {
      ++acknowledged_;
      names_[name].acknowledged = content;
    } else {
      names_[name].unknown.push_back(content);
    }
  }

  void read() {
    const auto via = any_running();
    if (!via || names_.empty()) return;
    auto place = names_.begin();
    std::advance(place, static_cast<long>(any(names_.size())));
    check(*via, place->first, place->second, false);
  }

  void check(std::uint32_t via, const std::string& name, const Expectation& expected, bool healed) {
    const LookupAnswer found = world_.look_up(via, name);
    const bool answered = found.code == ErrorCode{} || found.code == ErrorCode::not_found;
    if (!healed && (!answered || !found.confirmed)) return;
    CHECK_MESSAGE((answered && found.confirmed), name << " via " << via << ": " << found.detail);
    if (found.code == ErrorCode::not_found) {
      CHECK_MESSAGE(expected.allows(std::nullopt), name << " via " << via << " is lost");
      return;
    }
    const auto got = world_.get(via, name);
    if (!healed && !got) return;
    CHECK_MESSAGE(got.has_value(),
                  name << " via " << via << ": " << (got ? "" : got.error().detail));
    if (got) CHECK_MESSAGE(expected.allows(got.value()), name << " via " << via << " is old");
  }

  void crash_one() {
    if (const auto node = any_running()) world_.crash(*node);
  }
  void restart_one() {
    for (std::uint32_t node = 0; node < world_.node_count(); ++node) {
      if (!world_.is_running(node)) return world_.restart(node);
    }
  }

  MeshWorld world_;
  Rng rng_;
  std::map<std::string, Expectation> names_;
  std::uint32_t acknowledged_ = 0;
};

}  // namespace

// PIXMESH_SEED=n runs that seed alone, PIXMESH_STEPS=n makes its life longer.
TEST_CASE("node: random histories lose no acknowledged write and heal completely") {
  const auto number = [](const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
  };
  const std::uint64_t first = number("PIXMESH_SEED", 1);
  const std::uint64_t last = number("PIXMESH_SEED", 30);
  MESSAGE("seeds " << first << " to " << last);
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    CAPTURE(seed);
    History(seed).run(static_cast<int>(number("PIXMESH_STEPS", 16)));
  }
}
