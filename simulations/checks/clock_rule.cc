// The 30 s rule (it has no number among the promises): whose wall clock is farther than that from
// the lower median of all living members' clocks gives no new version; whose clock is nearer, is
// not refused.
#include <algorithm>

#include "simulations/checks/check.h"
#include "wire/fields.h"
#include "wire/message.h"

namespace pixmesh {
namespace {

class ClockBound : public Check {
 public:
  explicit ClockBound(const Scene& scene) : Check(scene, "clock-rule") {}

  void on_sent(PartyId from, PartyId, Plane plane, ByteView bytes) override {
    if (plane != Plane::control || from >= scene_.world.node_count()) return;
    note_known(from);  // a member may be suspected for milliseconds, and count no more meanwhile
    const std::uint32_t number = message_number_of(bytes);
    if (number != Fields<CommitRequest>::number && number != Fields<WriteDone>::number &&
        number != Fields<CommitAnswer>::number) {
      return;
    }
    note_clocks();
    const auto decoded = decode_message(bytes);
    if (!decoded) return;
    const Message& message = decoded.value();
    if (const auto* commit = std::get_if<CommitRequest>(&message)) look_at(from, *commit);
    if (const auto* done = std::get_if<WriteDone>(&message)) look_at(from, *done);
    if (const auto* answer = std::get_if<CommitAnswer>(&message)) look_at(from, *answer);
  }
  void on_scan() override {
    note_clocks();
    for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
      note_known(node);
      note_standing(node);
    }
  }

 private:
  static constexpr std::int64_t bound = ClockStanding::bound;
  // Clocks are read to a second, drift, and may be read again.
  static constexpr std::int64_t margin = 4'000'000;
  static constexpr Duration steady = 2s;      // since others came to count, or no more
  static constexpr Duration untouched = 60s;  // for who judges by what it heard some time ago

  [[nodiscard]] std::int64_t wall_of(std::uint32_t node) {
    const MachineClock& clock = scene_.world.machine(node).clock;
    return static_cast<std::int64_t>(clock.wall_at(scene_.world.now()).microseconds);
  }
  // The clock of a twin is one of its own, and who heard one of the two does not know of which.
  void note_clocks() {
    for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
      const Duration shift = scene_.world.machine(node).clock.wall_shift();
      const auto [seen, is_new] = shifts_.try_emplace(node, shift, scene_.world.now());
      const bool is_moved = seen->second.first != shift || scene_.world.has_twin(node);
      if (!is_new && is_moved) seen->second = {shift, scene_.world.now()};
    }
  }
  void note_known(std::uint32_t node) {
    std::vector<WallClocks::Heard> heard;
    if (scene_.world.is_running(node)) heard = scene_.world.machine(node).node->clocks().heard();
    const auto [seen, is_new] = known_.try_emplace(node);
    std::vector<NodeId>& counted = seen->second.first;
    if (!is_new && std::ranges::equal(heard, counted, {}, &WallClocks::Heard::node)) return;
    counted.clear();
    for (const WallClocks::Heard& one : heard) counted.push_back(one.node);
    seen->second.second = scene_.world.now();
  }
  [[nodiscard]] Instant set_at(std::uint32_t node) const { return shifts_.at(node).second; }

  // How far a node is ahead of the lower median of those that it knows, if that can be said: it
  // knows three or more of the mesh, and more than half, and none was set since it heard of it.
  std::optional<std::int64_t> ahead_of_median(std::uint32_t node) {
    NodeMachine& machine = scene_.world.machine(node);
    if (!machine.is_running()) return std::nullopt;
    std::vector<std::int64_t> walls{wall_of(node)};
    for (const WallClocks::Heard& heard : machine.node->clocks().heard()) {
      const std::uint32_t other = scene_.world.number_of(heard.node);
      if (heard.at + 1s <= machine.clock.monotonic_at(set_at(other)) + 2s) return std::nullopt;
      walls.push_back(wall_of(other));
    }
    if (walls.size() < 3 || walls.size() * 2 <= scene_.world.node_count()) return std::nullopt;
    std::sort(walls.begin(), walls.end());
    return wall_of(node) - walls[(walls.size() - 1) / 2];
  }
  [[nodiscard]] bool is_surely_outside(std::uint32_t node) {
    const auto ahead = ahead_of_median(node);
    return ahead && std::abs(*ahead) > bound + margin;
  }
  [[nodiscard]] bool is_surely_inside(std::uint32_t node) {
    const auto ahead = ahead_of_median(node);
    return ahead && std::abs(*ahead) < bound - margin;
  }

  void note_standing(std::uint32_t node) {
    if (is_surely_outside(node)) {
      outside_since_.try_emplace(node, scene_.world.now());
    } else {
      outside_since_.erase(node);
    }
  }
  // Whether the node gave this time to something since it is outside, and not before.
  [[nodiscard]] bool is_given_outside(std::uint32_t node, std::uint64_t wall) {
    const auto since = outside_since_.find(node);
    if (since == outside_since_.end() || !is_recent(node, wall)) return false;
    const auto age = std::chrono::microseconds(wall_of(node) - static_cast<std::int64_t>(wall));
    return scene_.world.now() - age > since->second;
  }
  [[nodiscard]] bool is_recent(std::uint32_t node, std::uint64_t wall) {
    const std::int64_t age = wall_of(node) - static_cast<std::int64_t>(wall);
    return age >= 0 && age < 1'000'000;
  }
  // An upload gets its version long before its last bytes come, and is offered again when lists
  // change. The request says when it got it if the name is new, and else the version may.
  void look_at(std::uint32_t from, const CommitRequest& commit) {
    note_standing(from);
    const Version& version = commit.record.version;
    // It says no time then: it was pushed ahead.
    const bool follows = seen_.contains(version.clock - 1);
    seen_.insert(version.clock);
    if (version != clocked_version(version.clock, scene_.world.id_of(from))) return;
    std::uint64_t& newest = newest_[from];
    if (version.clock <= newest) return;
    newest = version.clock;
    const bool is_given = is_given_outside(from, commit.first_at_micros) ||
                          (!follows && is_given_outside(from, version.clock));
    if (!is_given || scene_.world.now() < set_at(from) + 10s) return;
    if (scene_.world.now() < known_.at(from).second + steady) return;
    report("node " + std::to_string(from) + " gives a version, though its clock is " +
               std::to_string(*ahead_of_median(from) / 1'000) + " ms ahead of the others'",
           {from});
  }
  void look_at(std::uint32_t from, const WriteDone& done) {
    if (done.code == ErrorCode{} || done.detail.rfind("the clock of node", 0) != 0) return;
    if (!are_untouched() || !is_surely_inside(from)) return;
    report("node " + std::to_string(from) + " refuses a write, though its clock is right", {from});
  }
  // A coordinator that is ahead may not know it yet. But who is outside itself does not judge, and
  // where all clocks are near there is nothing to refuse.
  void look_at(std::uint32_t from, const CommitAnswer& answer) {
    if (answer.code != CommitCode::failed || answer.detail.rfind("for holder", 0) != 0) return;
    const bool is_outlier = scene_.world.now() >= set_at(from) + 10s && is_surely_outside(from);
    if (!is_outlier && !all_are_near()) return;
    report("node " + std::to_string(from) + " judges another's clock " +
               (is_outlier ? "by its own, which is wrong" : "wrongly"),
           {from});
  }
  // For so long that no node goes by what another's clock showed before.
  [[nodiscard]] bool are_untouched() {
    for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
      if (scene_.world.now() < set_at(node) + untouched) return false;
    }
    return true;
  }
  [[nodiscard]] bool all_are_near() {
    if (!are_untouched()) return false;
    std::vector<std::int64_t> walls;
    for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
      walls.push_back(wall_of(node));
    }
    const auto [least, most] = std::minmax_element(walls.begin(), walls.end());
    return *most - *least < bound - margin;
  }

  std::map<std::uint32_t, std::pair<Duration, Instant>> shifts_;
  std::map<std::uint32_t, std::pair<std::vector<NodeId>, Instant>>
      known_;  // who counts, since when
  std::map<std::uint32_t, std::uint64_t> newest_;
  std::set<std::uint64_t> seen_;                    // clocks of all versions that were offered
  std::map<std::uint32_t, Instant> outside_since_;  // as far as it was seen
};

}  // namespace

CheckPtr make_clock_rule(const Scene& scene) { return std::make_unique<ClockBound>(scene); }

}  // namespace pixmesh
