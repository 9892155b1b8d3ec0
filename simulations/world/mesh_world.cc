#include "simulations/world/mesh_world.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "node/stored_rules.h"
#include "simulations/world/message_text.h"
#include "simulations/world/world_log.h"
#include "simulations/world/world_watch.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

const std::string scratch_of_machine = "/node/scratch";

Recipe copy_recipe() {
  Recipe recipe;
  recipe.name = "thumbnail";
  recipe.argv = {"tool", "{in}", "{out}"};
  recipe.output = "png";
  return recipe;
}

RecipeBook book() {
  RecipeBook recipes;
  invariant(recipes.add(copy_recipe()).has_value(), "the recipe is right");
  recipes.set_fingerprint("thumbnail", digest_of(bytes_of("the tool")));
  return recipes;
}

}  // namespace

NodeMachine::NodeMachine() = default;
NodeMachine::~NodeMachine() = default;

std::uint64_t NodeMachine::capacity_bytes() const {
  return capacity.value_or(weight * MeshSettings{}.weight_unit_bytes);
}

MeshWorld::MeshWorld(WorldOptions options)
    : options_(options), rng_(options.seed), network_(clock_, rng_.split()) {
  client_ = std::make_unique<MeshClient>(network_, rng_.split());
  client_->on_news({[this](OperationId operation) { on_answered(operation); }, {}});
}

MeshWorld::~MeshWorld() = default;

std::uint32_t MeshWorld::add_node(const NodePlan& plan) {
  auto machine = std::make_unique<NodeMachine>();
  NodeMachine& added = *machine;
  added.number = node_count();
  added.founds = added.number == 0;
  added.zone = plan.zone ? *plan.zone : "zone" + std::to_string(added.number);
  added.weight = plan.weight;
  added.hold = plan.hold;
  added.capacity = plan.capacity;
  added.rng = rng_.split();
  std::array<std::uint8_t, 32> seed{};
  rng_.fill(seed);
  added.key = signing_key_of(seed);
  added.id = node_id_of(added.key.public_key);
  give_disks(added, plan.disks);
  machines_.push_back(std::move(machine));
  start(added.number);
  return added.number;
}

void MeshWorld::add_nodes(std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) add_node();
}

NodeOptions MeshWorld::options_of(const NodeMachine& machine) {
  NodeOptions options;
  options.key = machine.key;
  options.control = VirtualNetwork::address_of(machine.number, Plane::control);
  options.bulk = VirtualNetwork::address_of(machine.number, Plane::bulk);
  options.zone = machine.zone;
  options.capacity_bytes = machine.capacity_bytes();
  options.create = machine.founds;
  options.hold = machine.hold;
  options.asks_first = machine.capacity.has_value();
  options.founding.partition_bits = options_.partition_bits;
  options.founding.replicas = options_.replicas;
  options.founding.write_quorum = options_.write_quorum;
  const std::uint32_t number = machine.number % twins_from;
  for (const auto& other : machines_) {
    if (other->number != number) {
      options.join.push_back(VirtualNetwork::address_of(other->number, Plane::control));
    }
  }
  options.disks = machine.disks->descriptions();
  options.scratch_root = scratch_of_machine;
  options.version = "test";
  options.scrub = {.period = options_.scrub_period,
                   .look_every = options_.scrub_period / 4,
                   .remember_every = options_.scrub_period / 4};
  options.collection = options_.collection;
  options.out_delay = options_.out_delay;
  options.renew_every = options_.renew_every;
  options.compute_placement = [this](std::vector<PlacementMember> members,
                                     const PlacementOptions& wanted) {
    return placement_cache_.of(std::move(members), wanted);
  };
  return options;
}

void MeshWorld::start(std::uint32_t number) {
  left_.erase(number);  // who comes back is a member again
  NodeMachine& machine = machine_of(number);
  const std::uint64_t life = ++machine.life;
  const auto tell = [this, number, life](const HostEvent& event) {
    if (machine_of(number).life == life) deliver(number, event);
  };
  machine.disks->open(*machine.state, machine.chunks, tell);
  machine.state->open(machine.chunks, tell);
  network_.start(number,
                 [this, number, life](const MessageArrived& arrived, const SharedBytes& chunk) {
                   if (machine_of(number).life != life) return;
                   MessageArrived event = arrived;
                   if (chunk) event.chunk = machine_of(number).chunks.add(chunk);
                   deliver(number, event);
                 });
  machine.transport = std::make_unique<VirtualTransport>(network_, machine.chunks, number);
  machine.executor = std::make_unique<VirtualExecutor>(
      clock_, *machine.disks, scratch_of_machine,
      [tell](ToolReport report) { tell(ToolEnded{std::move(report)}); });
  machine.executor->trouble = machine.tool_trouble;
  machine.results = std::make_unique<VirtualResults>(
      clock_, machine.disks->numbered(0), machine.kept_facts, machine.look_through_time, tell);
  machine.background = std::make_unique<WorldBackground>(
      clock_, [tell](OperationId ticket) { tell(BackgroundDone{ticket}); });
  apply_slowness(machine);
  machine.log = std::make_unique<WorldLog>([this, number](std::string_view name, std::string text) {
    note_logged(number, name, std::move(text));
  });
  const NodeMemory memory{machine.state->table(Table::facts), machine.state->table(Table::hints),
                          machine.disks->tables(Table::lists), machine.disks->tables(Table::facts),
                          machine.disks->tables(Table::collected)};
  machine.node = std::make_unique<Node>(
      options_of(machine), book(), memory,
      Outside{*machine.transport, machine.disks->numbered(), *machine.state, *machine.executor,
              *machine.background, *machine.log, machine.disks.get(), machine.results.get()},
      machine.rng.split());
  trace_.add(clock_.now(), number, 100);
  machine.node->start(machine.clock.monotonic_at(clock_.now()),
                      machine.clock.wall_at(clock_.now()));
  after_step(number);
}

void MeshWorld::note_logged(std::uint32_t number, std::string_view name, std::string fields) {
  if (told_log_) {
    told_log_(text_of_instant(clock_.now()) + "  node " + std::to_string(number) + "  " +
              std::string(name) + " " + fields);
  }
  if (!is_node(number)) return;  // nobody counts on what a twin believes
  if (name == "node_left") left_.insert(number);
  log_.push_back({clock_.now(), number, std::string(name), std::move(fields)});
}

void MeshWorld::tell_everything(std::function<void(const std::string&)> told) {
  told_log_ = told;
  trace_.tell(std::move(told));
}

void MeshWorld::watch(WorldWatch& watch) {
  watch_ = &watch;
  network_.watch([this](PartyId from, PartyId to, Plane plane, ByteView message) {
    watch_->on_sent(from, to, plane, message);
  });
}

void MeshWorld::crash(std::uint32_t number) {
  NodeMachine& machine = machine_of(number);
  trace_.add(clock_.now(), number, 101);
  ++machine.life;
  network_.stop(number);
  machine.node.reset();
  machine.executor.reset();
  machine.results.reset();
  machine.background.reset();
  machine.disks->crash();
  machine.state->crash();
  machine.paused = false;
  machine.is_busy = false;
  machine.backlog.clear();
  machine.chunks.clear();
  machine.wake.reset();
  if (watch_ != nullptr && is_node(number)) watch_->on_crashed(number);
}

void MeshWorld::restart(std::uint32_t number) {
  invariant(!is_running(number), "only a node that does not run can be restarted");
  start(number);
}

void MeshWorld::ask_to_stop(std::uint32_t number) { deliver(number, StopAsked{}); }

void MeshWorld::after_step(std::uint32_t number) {
  NodeMachine& machine = machine_of(number);
  if (machine.backlog.empty()) machine.chunks.clear();
  if (machine.node->stopped()) {
    const bool has_failed = !machine.node->failure().empty();
    if (left_.contains(number)) {
      machine.is_member = false;
      end_twin(number);  // it would be a member again
    }
    crash(number);
    if (has_failed && on_failed_) on_failed_(number);
    return;
  }
  // They go through all members.
  const std::uint64_t now_and_then = std::max(64U, 8 * node_count());
  if (options_.check_all_invariants && ++steps_ % now_and_then == 0) {
    machine.node->check_invariants();
  }
  if (watch_ != nullptr && is_node(number)) watch_->on_step(number);
  if (machine.node) arm(number);
}

void MeshWorld::arm(std::uint32_t number) {
  NodeMachine& machine = machine_of(number);
  const auto due = machine.node->next_deadline();
  if (!due) return;
  const Instant at = machine.clock.when_shows(*due);
  if (machine.wake && *machine.wake <= at && *machine.wake > clock_.now()) return;
  machine.wake = std::max(at, clock_.now());
  clock_.at(*machine.wake, [this, number, life = machine.life, at = *machine.wake] {
    NodeMachine& woken = machine_of(number);
    const bool is_ready = !woken.paused && !woken.is_busy;
    if (woken.life == life && woken.wake == at && is_ready) wake(number);
  });
}

void MeshWorld::wake(std::uint32_t number) {
  NodeMachine& machine = machine_of(number);
  machine.wake.reset();
  const Instant now = machine.clock.monotonic_at(clock_.now());
  const auto due = machine.node->next_deadline();
  if (!due || *due > now) return after_step(number);
  trace_.add(clock_.now(), number, 102);
  machine.node->on_deadline(now, machine.clock.wall_at(clock_.now()));
  begin_turn(machine);
  const auto next = machine.node->next_deadline();
  if (!next || *next > now) return after_step(number);
  ++late_wakes_;  // it would keep a real loop busy
  clock_.after(1ms, [this, number, life = machine.life] {
    if (machine_of(number).life == life && !machine_of(number).paused) arm(number);
  });
  if (machine.backlog.empty()) machine.chunks.clear();
  if (machine.node->stopped()) after_step(number);
}

void MeshWorld::note_forgotten(std::uint32_t node) { machines_[node]->is_member = false; }

void MeshWorld::run_for(Duration duration) {
  const Instant end = clock_.now() + duration;
  while (clock_.step(end)) {
  }
}

bool MeshWorld::run_until(const std::function<bool()>& holds, Duration patience) {
  const Instant end = clock_.now() + patience;
  while (!holds()) {
    if (!clock_.step(end)) return holds();
  }
  return true;
}

bool MeshWorld::run_until_settled(Duration patience) {
  const Instant end = clock_.now() + patience;
  while (!unrest().empty()) {
    if (clock_.now() >= end) return false;
    run_for(200ms);
  }
  return true;
}

std::vector<std::uint32_t> MeshWorld::running() const {
  std::vector<std::uint32_t> numbers;
  for (const auto& machine : machines_) {
    if (machine->node) numbers.push_back(machine->number);
  }
  return numbers;
}

NodeId MeshWorld::id_of(std::uint32_t node) const { return machines_[node]->id; }

std::uint32_t MeshWorld::number_of(NodeId id) const {
  for (const auto& machine : machines_) {
    if (machine->id == id) return machine->number;
  }
  invariant(false, "every node of the mesh is ours");
  return 0;
}

void MeshWorld::set_wall_shift(std::uint32_t node, Duration shift) {
  machines_[node]->clock.set_wall_shift(shift);
}

void MeshWorld::set_tool_time(std::uint32_t node, Duration time) {
  machines_[node]->tool_time = time;
  apply_slowness(*machines_[node]);
}

void MeshWorld::set_tool_trouble(std::uint32_t node, ToolTrouble trouble) {
  machines_[node]->tool_trouble = trouble;
  if (machines_[node]->executor) machines_[node]->executor->trouble = trouble;
}

std::uint32_t MeshWorld::tools_running(std::uint32_t node) const {
  const auto& executor = machines_[node]->executor;
  return executor ? executor->running_count() : 0;
}

std::size_t MeshWorld::count_logged(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      log_.begin(), log_.end(), [&](const auto& event) { return event.name == name; }));
}

std::unique_ptr<MeshWorld> settled_mesh(std::uint32_t count, std::uint64_t seed) {
  auto world = std::make_unique<MeshWorld>(WorldOptions{.seed = seed});
  world->add_nodes(count);
  (void)world->run_until_settled();
  return world;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t i = 0; i < lines.size() && i < 12; ++i) text += (i > 0 ? "\n" : "") + lines[i];
  return text;
}

}  // namespace pixmesh
