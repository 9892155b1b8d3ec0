// I13: no run is sent to a holder that its router believes silent; and nobody is suspected before
// others were asked to probe it.
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "simulations/checks/beliefs.h"
#include "simulations/checks/check.h"
#include "wire/fields.h"
#include "wire/message.h"

namespace pixmesh {
namespace {

// One that has just joined may not know yet whom to ask.
constexpr std::uint32_t accusations_pardoned = 3;
// A holder that answered may fall silent while the others are waited for, a second where the same
// work is to meet.
constexpr Duration decided_within = 1150ms;

class Routing : public Check {
 public:
  explicit Routing(const Scene& scene) : Check(scene, "I13"), beliefs_(scene.world) {}

  void on_crashed(std::uint32_t node) override {
    look_at_accusations();
    beliefs_.forget(node);
    accused_.erase(node);
    askers_.erase(node);
  }
  void on_scan() override {
    look_at_accusations();
    for (const auto& [question, asked] : std::exchange(asked_, {})) {
      if (!asked.any_heard) continue;  // the last holders
      for (const NodeId& silent : asked.silent) look_at(std::get<0>(question), silent, Duration{});
    }
  }
  void on_sent(PartyId from, PartyId to, Plane plane, ByteView message) override {
    if (plane != Plane::control || from >= scene_.world.node_count()) return;
    const std::uint32_t number = message_number_of(message);
    if (number == Fields<PingRequest>::number) {
      askers_.insert(from);
    } else if (number == Fields<ProbeLoad>::number && to < scene_.world.node_count()) {
      const auto decoded = decode_message(message);
      const auto* probe = decoded ? std::get_if<ProbeLoad>(&decoded.value()) : nullptr;
      if (probe != nullptr) note_probe(from, scene_.world.id_of(to), probe->operation);
    } else if (number == Fields<RunCandidates>::number) {
      const auto decoded = decode_message(message);
      const auto* where = decoded ? std::get_if<RunCandidates>(&decoded.value()) : nullptr;
      if (where == nullptr) return;
      const bool is_last = std::ranges::all_of(where->candidates, [&](const RunCandidate& one) {
        return beliefs_.silent_since(from, one.node).has_value();
      });
      if (is_last) return;  // nobody else has it
      for (const RunCandidate& candidate : where->candidates) {
        look_at(from, candidate.node, decided_within);
      }
    }
  }

 private:
  struct Asked {
    std::vector<NodeId> silent;
    bool any_heard = false;
  };
  void note_probe(std::uint32_t router, NodeId holder, OperationId operation) {
    Asked& asked = asked_[{router, operation, scene_.world.now()}];
    if (beliefs_.silent_since(router, holder)) {
      asked.silent.push_back(holder);
    } else {
      asked.any_heard = true;
    }
  }
  void look_at(std::uint32_t router, NodeId holder, Duration pardoned) {
    const auto since = beliefs_.silent_since(router, holder);
    if (!since || *since + pardoned > scene_.world.now()) return;
    const std::uint32_t number = scene_.world.number_of(holder);
    report("node " + std::to_string(router) + " routes a run to node " + std::to_string(number) +
               ", which it believes silent",
           {router, number});
  }

  // A node that knows of hardly anybody else alive, or reaches hardly anybody, has nobody to ask.
  void look_at_accusations() {
    for (const auto& [node, member, others] : beliefs_.take_accusations()) {
      if (askers_.contains(node) || others < 2 || reached_by(node) < 3) continue;
      if (++accused_[node] < accusations_pardoned + scene_.world.node_count()) continue;
      report("node " + std::to_string(node) + " suspects and never asked others to probe",
             {node, scene_.world.number_of(member)});
    }
  }
  [[nodiscard]] std::size_t reached_by(std::uint32_t node) {
    const std::vector<std::uint32_t> running = scene_.world.running();
    return static_cast<std::size_t>(std::ranges::count_if(running, [&](std::uint32_t other) {
      return other != node && !scene_.world.network().is_apart(node, other);
    }));
  }

  Beliefs beliefs_;
  // Holders are asked at one instant, helpers later. Since the last scan.
  std::map<std::tuple<std::uint32_t, OperationId, Instant>, Asked> asked_;
  std::set<std::uint32_t> askers_;                  // processes that asked others to probe
  std::map<std::uint32_t, std::uint32_t> accused_;  // accusations by processes that did not
};

}  // namespace

CheckPtr make_i13(const Scene& scene) { return std::make_unique<Routing>(scene); }

}  // namespace pixmesh
