#include "simulations/trial/trial.h"

#include <algorithm>

#include "simulations/checks/all_checks.h"
#include "simulations/faults/fault_player.h"
#include "simulations/workload/workload.h"
#include "simulations/world/message_text.h"

namespace pixmesh {
namespace {

constexpr Duration setup_within = 120s;
constexpr Duration scrub_period = 30s;        // a week, scaled; one seed in fifty has a week
constexpr Duration renewed_every = 6s;        // ten minutes, scaled, where nodes are put back
constexpr Duration wishes_end_within = 130s;  // every client gives up by then
constexpr Duration probes_end_within = 5s;
constexpr Duration audit_within = 60s;
constexpr Duration forgotten_within = 60s;
constexpr Duration status_every = 6s;
constexpr Duration conversations_end_within = 150s;  // as I12 has it
constexpr std::uint64_t at_once_max = 1'000'000;     // events of one instant
constexpr std::size_t log_lines = 30;
constexpr std::uint32_t rest_numbers_from = 1'000'000;  // of puts at rest; above all drawn ones

// Ten minutes, scaled; one seed in fifty has them.
bool deletions_are_soon_forgotten(const Scenario& scenario) { return scenario.seed % 50 != 0; }

WorldOptions options_of(const Scenario& scenario) {
  WorldOptions options;
  options.seed = scenario.seed;
  options.partition_bits = scenario.partition_bits;
  options.replicas = scenario.replicas;
  options.write_quorum = scenario.write_quorum;
  const auto has = [&](EventKind kind) {
    return std::ranges::any_of(scenario.events,
                               [kind](const Event& event) { return event.kind == kind; });
  };
  if (has(EventKind::node_rolled_back)) options.renew_every = renewed_every;
  const bool spoils = has(EventKind::rot) || has(EventKind::zeroed) || has(EventKind::destroyed);
  if (spoils || scenario.seed % 50 != 0) options.scrub_period = scrub_period;
  options.out_delay = scenario.out_delay;
  if (deletions_are_soon_forgotten(scenario)) {
    options.collection = {.kept_for = 10s, .interval = 3s};
  }
  return options;
}

class Trial {
 public:
  Trial(const Scenario& scenario, const std::function<void(const std::string&)>& told)
      : scenario_(scenario),
        told_(told),
        world_(options_of(scenario)),
        atlas_(world_, scenario.write_quorum),
        player_(world_, atlas_),
        checks_({world_, oracle_, atlas_, scenario_, findings_}),
        workload_(world_, oracle_, checks_, scenario.clients, Rng(scenario.seed + 1)) {
    if (told) world_.tell_everything(told);
  }

  TrialResult run() {
    const bool all_well = set_up() && safety() && liveness() && power_cut();
    if (all_well) result_.phase = "over";
    return result();
  }

 private:
  [[nodiscard]] bool well() const { return !findings_.first().has_value(); }

  bool begin(const char* phase) {
    result_.phase = phase;
    return well();
  }

  bool set_up() {
    (void)begin("setup");
    for (const PlannedNode& node : scenario_.nodes) {
      NodePlan plan;
      plan.zone = "zone" + std::to_string(node.zone);
      plan.weight = node.weight;
      plan.disks = node.disks;
      (void)world_.add_node(plan);
    }
    world_.watch(checks_);
    if (!world_.run_until_settled(setup_within)) report_unrest("the mesh does not come together");
    return well();
  }

  bool safety() {
    (void)begin("safety");
    for (const Event& event : scenario_.events) {
      world_.clock().at(world_.now() + event.at, [this, &event] {
        if (over_) return;
        if (told_) told_(text_of_instant(world_.now()) + "  EVENT " + text_of(event));
        if (is_operation(event)) {
          workload_.begin(event);
        } else {
          player_.begin(event);
        }
      });
    }
    const Instant end = world_.now() + scenario_.safety;
    while (well() && world_.now() < end) {
      workload_.ask_for_status();
      (void)run_while_well(std::min(status_every, end - world_.now()), [] { return false; });
    }
    over_ = true;
    return well();
  }

  bool liveness() {
    (void)begin("liveness");
    player_.end_all();
    return comes_to_rest();
  }

  bool power_cut() {
    (void)begin("power cut");
    player_.cut_power(1s);
    (void)run_while_well(1s, [] { return false; });
    player_.end_all();
    return comes_to_rest() && forgets_deletions();
  }

  // Once all holders have a tombstone, nobody needs it.
  bool forgets_deletions() {
    const auto those_left = [this] {
      std::string left;
      for (const std::uint32_t node : world_.running()) {
        world_.for_each_record(node, [&](const auto& key, const VirtualDisk::Record& record) {
          if (record.digest != Digest{}) return;
          left += "; one in partition " + std::to_string(key.first.raw) + " at node " +
                  std::to_string(node);
        });
      }
      return left;
    };
    if (!deletions_are_soon_forgotten(scenario_)) return well();
    // A holder that could not raise its collected clock learns it by the periodic repair.
    const Instant late = world_.now() + forgotten_within + world_.node_count() * repair_within;
    while (well() && !those_left().empty()) {
      if (world_.now() >= late) {
        findings_.report({"I6", "a deletion outlives its use" + those_left(), world_.now(), {}});
      }
      (void)run_while_well(500ms, [] { return false; });
    }
    return well();
  }

  // Writes that are still under way may change what is right, so they are waited for first; and so
  // are probes from before, whose failing accuses somebody for a moment.
  bool comes_to_rest() {
    const Instant probes_end = world_.now() + probes_end_within;
    (void)run_while_well(wishes_end_within, [this] { return workload_.open_count() == 0; });
    (void)run_while_well(std::max(Duration{}, probes_end - world_.now()), [] { return false; });
    const Instant late = world_.now() + rest_within + world_.node_count() * repair_within;
    while (well() && !(!player_.is_busy() && world_.unrest().empty() && not_seen().empty())) {
      if (world_.now() >= late) report_unrest("the mesh is not right in time");
      (void)run_while_well(500ms, [] { return false; });
    }
    if (!well()) return false;
    audit();
    if (well()) write_everywhere();
    if (well()) checks_.at_rest();
    for (const std::string& fault : world_.faults()) {
      findings_.report({"I1", fault, world_.now(), {}});
    }
    return well();
  }

  // Why not every node believes every other alive that is, hears from all of them, and has nothing
  // left to move; empty if so.
  [[nodiscard]] std::string not_seen() {
    const auto running = world_.running();
    for (const std::uint32_t node : running) {
      const std::string who = "node " + std::to_string(node);
      const StatusAnswer status = world_.status(node);
      if (status.unsettled > 0) return who + " has partitions that are not settled";
      std::size_t alive = 0;
      for (const MemberStatus& member : status.members) {
        const bool runs = world_.is_running(world_.number_of(member.node));
        alive += runs && member.life == "alive" ? 1 : 0;
      }
      if (alive < running.size()) return who + " believes a member dead that runs";
      if (!world_.list(node, "image").complete) return "a listing of " + who + " is not complete";
    }
    return {};
  }

  // In a mesh at rest every node can take a write, once uploads whose clients went away have ended.
  void write_everywhere() {
    (void)run_while_well(conversations_end_within, [this] {
      const auto running = world_.running();
      return std::all_of(running.begin(), running.end(), [this](std::uint32_t node) {
        return world_.machine(node).node->open_conversations() == 0;
      });
    });
    constexpr std::int64_t size = 500;
    for (const std::uint32_t node : world_.running()) {
      Event put;
      put.node = node;
      put.number = ++rest_number_;
      put.amount = size;
      put.name = "rest" + std::to_string(put.number);
      workload_.begin(put);
    }
    (void)run_while_well(audit_within, [this] { return workload_.open_count() == 0; });
    for (const auto& [name, history] : oracle_.names()) {
      if (name.rfind("rest", 0) == 0 && history.newest_acknowledged() == nullptr) {
        findings_.report({"I15", "a put at rest fails: '" + name + "'", world_.now(), {}});
      }
    }
  }

  void audit() {
    for (const std::uint32_t node : world_.running()) {
      Event read;
      read.node = node;
      read.kind = EventKind::list;
      read.name = "image";
      workload_.audit(read);
      read.kind = EventKind::get;
      for (const auto& entry : oracle_.names()) {
        read.name = entry.first;
        workload_.audit(read);
      }
    }
    (void)run_while_well(audit_within, [this] { return workload_.open_count() == 0; });
    if (workload_.open_count() > 0) {
      findings_.report({"I2", "reads at rest do not end", world_.now(), {}});
    }
  }

  // @returns whether `holds` came to hold within `patience`.
  template <typename Holds>
  bool run_while_well(Duration patience, Holds holds) {
    const Instant end = world_.now() + patience;
    std::uint64_t at_once = 0;
    while (well() && !holds()) {
      const Instant before = world_.now();
      if (!world_.clock().step(end)) return holds();
      at_once = world_.now() == before ? at_once + 1 : 0;
      if (at_once > at_once_max) {
        findings_.report(
            {"I15", "time stands still: a node has something to do for ever", world_.now(), {}});
      }
    }
    return well();
  }

  void report_unrest(const std::string& what) {
    const auto unrest = world_.unrest();
    std::string text = what + ": " + std::to_string(unrest.size()) + " faults";
    for (std::size_t i = 0; i < unrest.size() && i < 4; ++i) text += "; " + unrest[i];
    if (player_.is_busy()) text += "; somebody is still to be ended, started again or forgotten";
    if (unrest.empty()) text += "; " + not_seen();
    findings_.report({"I15", text, world_.now(), {}});
  }

  TrialResult result() {
    result_.finding = findings_.first();
    result_.digest = world_.trace().digest();
    result_.events = world_.trace().count();
    result_.shortfalls = findings_.shortfalls();
    result_.acknowledged = oracle_.acknowledged_count();
    result_.simulated = world_.now().time_since_epoch();
    result_.node_microseconds =
        world_.node_count() * static_cast<std::uint64_t>(result_.simulated / 1us);
    if (result_.finding) add_last_events();
    return result_;
  }

  void add_last_events() {
    const auto& log = world_.log();
    const std::size_t first = log.size() - std::min(log.size(), log_lines);
    for (std::size_t i = first; i < log.size(); ++i) {
      result_.last_events.push_back(text_of_instant(log[i].at) + "  node " +
                                    std::to_string(log[i].node) + "  " + log[i].name + " " +
                                    log[i].fields);
    }
    for (const std::uint32_t node : result_.finding->nodes) {
      const auto lines = world_.trace().last_of(node);
      result_.last_events.insert(result_.last_events.end(), lines.begin(), lines.end());
    }
  }

  const Scenario& scenario_;
  const std::function<void(const std::string&)>& told_;
  MeshWorld world_;
  Oracle oracle_;
  Findings findings_;
  Atlas atlas_;
  FaultPlayer player_;
  AllChecks checks_;
  Workload workload_;
  TrialResult result_;
  bool over_ = false;
  std::uint32_t rest_number_ = rest_numbers_from;
};

}  // namespace

TrialResult run_trial(const Scenario& scenario,
                      const std::function<void(const std::string&)>& told) {
  return Trial(scenario, told).run();
}

}  // namespace pixmesh
