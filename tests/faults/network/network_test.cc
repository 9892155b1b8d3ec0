#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/rng.h"
#include "host_network.h"
#include "test_mesh.h"
#include "traffic.h"

using namespace pixmesh;

namespace {

using std::chrono::milliseconds;

constexpr std::size_t host_count = 5;

enum class Trouble { one_way, bridge, loss, pause, halves, flapping, deaf, mute };
constexpr std::array troubles{
    std::pair{Trouble::one_way, "one way"}, std::pair{Trouble::bridge, "bridge"},
    std::pair{Trouble::loss, "loss"},       std::pair{Trouble::pause, "pause"},
    std::pair{Trouble::halves, "halves"},   std::pair{Trouble::flapping, "flapping"},
    std::pair{Trouble::deaf, "deaf"},       std::pair{Trouble::mute, "mute"},
};

void add_both_ways(Cuts& cuts, std::size_t a, std::size_t b) {
  cuts.emplace_back(a, b);
  cuts.emplace_back(b, a);
}

/// Real nodes, each on a host of its own, and clients that hear all of them.
class CutMesh {
 public:
  explicit CutMesh(HostNetwork& network) : network_(network), mesh_(options_for(network)) {}

  /// @param longest  the trouble lasts
  void round(Trouble trouble, milliseconds longest) {
    if (trouble == Trouble::flapping) {
      flap(longest);
    } else if (trouble == Trouble::pause) {
      pause(chance_.below(network_.size()), milliseconds(500 + chance_.below(longest.count())));
    } else {
      if (trouble == Trouble::loss) {
        network_.lose({}, static_cast<unsigned>(10 + chance_.below(21)));
      } else {
        network_.lose(cuts_of(trouble));
      }
      std::this_thread::sleep_for(longest / 2 + milliseconds(chance_.below(longest.count() / 2)));
      network_.heal();
    }
    mesh_.wait_calm(180s);
  }
  void pause(std::size_t node, milliseconds span) {
    mesh_.signal_node(node, SIGSTOP);
    std::this_thread::sleep_for(span);
    mesh_.signal_node(node, SIGCONT);
  }
  void wait_calm() { mesh_.wait_calm(180s); }

  /// Everything acknowledged is there through each node, and nothing deleted is back.
  void look_at_all() {
    traffic_.stop();
    mesh_.wait_calm(180s);
    traffic_.check_through_each_node(mesh_);
    check_every_copy(mesh_);
  }
  void go_on() { traffic_.start(); }
  [[nodiscard]] Traffic& traffic() { return traffic_; }

 private:
  static MeshOptions options_for(const HostNetwork& network) {
    MeshOptions options;
    options.nodes = network.size();
    options.place = [&network](std::size_t node) { return network.place(node); };
    return options;
  }

  /// All hosts in an order of chance, to be cut into sides.
  [[nodiscard]] std::vector<std::size_t> shuffled() {
    std::vector<std::size_t> order(network_.size());
    for (std::size_t at = 0; at < order.size(); ++at) {
      order[at] = at;
      std::swap(order[at], order[chance_.below(at + 1)]);
    }
    return order;
  }

  [[nodiscard]] Cuts cuts_of(Trouble trouble) {
    const std::vector<std::size_t> order = shuffled();
    Cuts cuts;
    if (trouble == Trouble::one_way) cuts.emplace_back(order[0], order[1]);
    for (std::size_t a = 0; a < order.size(); ++a) {
      if (trouble == Trouble::deaf && a > 0) cuts.emplace_back(order[a], order[0]);
      if (trouble == Trouble::mute && a > 0) cuts.emplace_back(order[0], order[a]);
      for (std::size_t b = 0; b < a; ++b) {
        const bool across = b < 2 && a >= 2;
        // The last host hears both sides of a bridge.
        const bool bridged = trouble == Trouble::bridge && a + 1 < order.size();
        if (across && (trouble == Trouble::halves || bridged)) {
          add_both_ways(cuts, order[a], order[b]);
        }
      }
    }
    return cuts;
  }

  void flap(milliseconds longest) {
    for (milliseconds gone{}; gone < longest;) {
      const milliseconds cut(100 + chance_.below(900));
      const milliseconds whole(100 + chance_.below(900));
      network_.lose(cuts_of(chance_.below(2) == 0 ? Trouble::halves : Trouble::mute));
      std::this_thread::sleep_for(cut);
      network_.heal();
      std::this_thread::sleep_for(whole);
      gone += cut + whole;
    }
  }

  HostNetwork& network_;
  TestMesh mesh_;
  Traffic traffic_{mesh_, {.writers = 3, .largest = 300'000}};
  Rng chance_{77};
};

}  // namespace

TEST_SUITE("network") {
  TEST_CASE("network: cuts, losses and pauses between nodes lose nothing and bring nothing back") {
    std::string why;
    const std::unique_ptr<HostNetwork> network = HostNetwork::make(host_count, why);
    if (!network) {
      MESSAGE("skipped: " << why);
      return;
    }
    const std::size_t rounds = asked_count("PIXMESH_NETWORK_ROUNDS", 4);
    const milliseconds longest(1'000 * asked_count("PIXMESH_NETWORK_HOLD", 2));
    CutMesh mesh(*network);
    for (std::size_t number = 0; number < rounds; ++number) {
      const auto& [trouble, name] = troubles[number % troubles.size()];
      const std::string words = name;
      CAPTURE(number);
      CAPTURE(words);
      mesh.round(trouble, longest);
      if (number % troubles.size() == 3 || number + 1 == rounds) {
        mesh.look_at_all();
        if (number + 1 < rounds) mesh.go_on();
      }
    }
    CHECK(mesh.traffic().acknowledged() > 20 * rounds);
    MESSAGE(rounds << " troubles, " << mesh.traffic().figures());
  }

  TEST_CASE("network: a node that was stopped for long is none the worse for it") {
    const std::size_t pause = asked_count("PIXMESH_LONGEST_PAUSE", 0);
    std::string why = "only with PIXMESH_LONGEST_PAUSE";
    std::unique_ptr<HostNetwork> network;
    if (pause > 0) network = HostNetwork::make(host_count, why);
    if (!network) {
      MESSAGE("skipped: " << why);
      return;
    }
    CutMesh mesh(*network);
    mesh.pause(1, std::chrono::seconds(pause));
    mesh.wait_calm();
    mesh.look_at_all();
    MESSAGE("stopped for " << pause << " s, " << mesh.traffic().figures());
  }
}
