#include "simulations/world/mesh_world.h"

#include <algorithm>

#include "base/digest.h"
#include "ring/partition.h"
#include "simulations/world/stored_records.h"
#include "simulations/world/virtual_executor.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t first_microsecond = 1'700'000'000'000'000;
constexpr std::uint32_t node_weight = 8;
const std::string scratch_root = "/node/scratch";

Recipe copy_recipe() {
  Recipe recipe;
  recipe.name = "thumbnail";
  recipe.argv = {"tool", "{in}", "{out}"};
  recipe.output = "png";
  return recipe;
}

RecipeBook book() {
  RecipeBook recipes;
  invariant(recipes.add(copy_recipe(), true).has_value(), "the recipe is right");
  return recipes;
}

class WorldLog : public Log {
 public:
  using Told = std::function<void(std::string_view, std::string)>;
  explicit WorldLog(Told told) : told_(std::move(told)) {}
  void event(LogLevel, std::string_view name, std::initializer_list<LogField> fields) override {
    std::string text;
    for (const LogField& field : fields) {
      text += (text.empty() ? "" : " ") + std::string(field.key) + "=" + field.value;
    }
    told_(name, std::move(text));
  }

 private:
  Told told_;
};

class SoonBackground : public Background {
 public:
  using Done = std::function<void(OperationId)>;
  SoonBackground(VirtualClock& clock, Done done)
      : clock_(clock), done_(std::make_shared<Done>(std::move(done))) {}
  void run(OperationId ticket, std::function<void()> job) override {
    job();
    clock_.after(5ms, [done = std::weak_ptr<Done>(done_), ticket] {
      if (const auto still = done.lock()) (*still)(ticket);
    });
  }

 private:
  VirtualClock& clock_;
  std::shared_ptr<Done> done_;
};

}  // namespace

struct MeshWorld::Machine {
  std::uint32_t number = 0;
  SigningKey key;
  NodeId id;
  bool founds = false;
  bool is_member = true;  // until it left or was forgotten
  Rng rng{0};
  std::unique_ptr<VirtualDisk> disk;
  std::unique_ptr<VirtualDisk> state;
  Duration tool_time = 50ms;
  Duration wall_shift{};

  // One life.
  ChunkPool chunks;
  std::unique_ptr<VirtualTransport> transport;
  std::unique_ptr<VirtualExecutor> executor;
  std::unique_ptr<SoonBackground> background;
  std::unique_ptr<WorldLog> log;
  std::unique_ptr<Node> node;
  std::optional<Instant> wake;
  std::uint64_t life = 0;
};

MeshWorld::MeshWorld(WorldOptions options)
    : options_(options), rng_(options.seed), network_(clock_, rng_.split()) {
  client_ = std::make_unique<MeshClient>(network_, rng_.split());
}

MeshWorld::~MeshWorld() = default;

WallTime MeshWorld::wall_of(const Machine& machine) const {
  const auto passed = (clock_.now().time_since_epoch() + machine.wall_shift) / 1us;
  return {first_microsecond + static_cast<std::uint64_t>(passed)};
}

std::uint32_t MeshWorld::add_node() {
  auto machine = std::make_unique<Machine>();
  Machine& added = *machine;
  added.number = node_count();
  added.founds = added.number == 0;
  added.rng = rng_.split();
  std::array<std::uint8_t, 32> seed{};
  rng_.fill(seed);
  added.key = signing_key_of(seed);
  added.id = node_id_of(added.key.public_key);
  const auto place = [this](ByteView record) {
    find_settings();
    return place_stored(settings_, record);
  };
  added.disk = std::make_unique<VirtualDisk>(clock_, added.rng.split(),
                                             VirtualDisk::Options{0, admit_stored, place});
  added.state = std::make_unique<VirtualDisk>(
      clock_, added.rng.split(), VirtualDisk::Options{state_disk, admit_stored, place});
  machines_.push_back(std::move(machine));
  start(added.number);
  return added.number;
}

void MeshWorld::add_nodes(std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) add_node();
}

NodeOptions MeshWorld::options_of(const Machine& machine) const {
  NodeOptions options;
  options.key = machine.key;
  options.control = VirtualNetwork::address_of(machine.number, Plane::control);
  options.bulk = VirtualNetwork::address_of(machine.number, Plane::bulk);
  options.zone = "zone" + std::to_string(machine.number);
  options.capacity_bytes = node_weight * MeshSettings{}.weight_unit_bytes;
  options.create = machine.founds;
  options.founding.partition_bits = options_.partition_bits;
  options.founding.replicas = options_.replicas;
  options.founding.write_quorum = options_.write_quorum;
  for (const auto& other : machines_) {
    if (other->number != machine.number) {
      options.join.push_back(VirtualNetwork::address_of(other->number, Plane::control));
    }
  }
  options.disks = {{{static_cast<std::uint8_t>(machine.number + 1)}, options.capacity_bytes}};
  options.scratch_root = scratch_root;
  options.version = "test";
  return options;
}

void MeshWorld::start(std::uint32_t number) {
  Machine& machine = *machines_[number];
  const std::uint64_t life = ++machine.life;
  const auto tell = [this, number, life](const HostEvent& event) {
    if (machines_[number]->life == life) deliver(number, event);
  };
  machine.disk->open(machine.chunks, tell);
  machine.state->open(machine.chunks, tell);
  network_.start(number,
                 [this, number, life](const MessageArrived& arrived, const SharedBytes& chunk) {
                   if (machines_[number]->life != life) return;
                   MessageArrived event = arrived;
                   if (chunk) event.chunk = machines_[number]->chunks.add(chunk);
                   deliver(number, event);
                 });
  machine.transport = std::make_unique<VirtualTransport>(network_, machine.chunks, number);
  machine.executor = std::make_unique<VirtualExecutor>(
      clock_, *machine.disk, scratch_root,
      [tell](ToolReport report) { tell(ToolEnded{std::move(report)}); });
  machine.executor->time = machine.tool_time;
  machine.background = std::make_unique<SoonBackground>(
      clock_, [tell](OperationId ticket) { tell(BackgroundDone{ticket}); });
  machine.log = std::make_unique<WorldLog>([this, number](std::string_view name, std::string text) {
    log_.push_back({clock_.now(), number, std::string(name), std::move(text)});
  });
  const NodeMemory memory{machine.state->table(Table::facts),
                          machine.state->table(Table::hints),
                          {machine.disk->table(Table::lists)}};
  machine.node = std::make_unique<Node>(options_of(machine), book(), memory,
                                        Outside{*machine.transport,
                                                {machine.disk.get()},
                                                *machine.state,
                                                *machine.executor,
                                                *machine.background,
                                                *machine.log},
                                        machine.rng.split());
  machine.node->start(clock_.now(), wall_of(machine));
  after_step(number);
}

void MeshWorld::crash(std::uint32_t number) {
  Machine& machine = *machines_[number];
  ++machine.life;
  network_.stop(number);
  machine.node.reset();
  machine.executor.reset();
  machine.background.reset();
  machine.disk->crash();
  machine.state->crash();
  machine.chunks.clear();
  machine.wake.reset();
}

void MeshWorld::restart(std::uint32_t number) {
  invariant(!is_running(number), "only a node that does not run can be restarted");
  start(number);
}

void MeshWorld::ask_to_stop(std::uint32_t number) { deliver(number, StopAsked{}); }

void MeshWorld::deliver(std::uint32_t number, const HostEvent& event) {
  Machine& machine = *machines_[number];
  if (!machine.node) return;
  machine.node->on_event(clock_.now(), wall_of(machine), event);
  after_step(number);
}

void MeshWorld::after_step(std::uint32_t number) {
  Machine& machine = *machines_[number];
  machine.chunks.clear();
  if (machine.node->stopped()) {
    if (!log_.empty() && has_left(number)) machine.is_member = false;
    return crash(number);
  }
  if (options_.check_all_invariants && ++steps_ % 64 == 0) machine.node->check_invariants();
  arm(number);
}

void MeshWorld::arm(std::uint32_t number) {
  Machine& machine = *machines_[number];
  const auto at = machine.node->next_deadline();
  if (!at || (machine.wake && *machine.wake <= *at && *machine.wake > clock_.now())) return;
  machine.wake = std::max(*at, clock_.now());
  clock_.at(*machine.wake, [this, number, life = machine.life, at = *machine.wake] {
    Machine& woken = *machines_[number];
    if (woken.life != life || woken.wake != at) return;
    woken.wake.reset();
    const auto due = woken.node->next_deadline();
    if (due && *due <= clock_.now()) {
      woken.node->on_deadline(clock_.now(), wall_of(woken));
      const auto next = woken.node->next_deadline();
      if (next && *next <= clock_.now()) {  // would keep a real loop busy
        ++late_wakes_;
        clock_.after(1ms, [this, number, life] {
          if (machines_[number]->life == life) arm(number);
        });
        woken.chunks.clear();
        if (woken.node->stopped()) after_step(number);
        return;
      }
    }
    after_step(number);
  });
}

bool MeshWorld::has_left(std::uint32_t number) const {
  return std::any_of(log_.begin(), log_.end(), [&](const LoggedEvent& event) {
    return event.node == number && event.name == "node_left";
  });
}

void MeshWorld::note_forgotten(std::uint32_t node) { machines_[node]->is_member = false; }

PlacementTable MeshWorld::expected_placement() const {
  std::vector<PlacementMember> members;
  for (const auto& machine : machines_) {
    if (!machine->is_member) continue;
    members.push_back({machine->id, node_weight, options_of(*machine).zone});
  }
  return compute_placement(std::move(members),
                           {options_.partition_bits, options_.replicas, settings().placement_key});
}

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

bool MeshWorld::is_running(std::uint32_t node) const { return machines_[node]->node != nullptr; }

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

VirtualDisk& MeshWorld::disk(std::uint32_t node) { return *machines_[node]->disk; }
VirtualDisk& MeshWorld::state(std::uint32_t node) { return *machines_[node]->state; }

void MeshWorld::set_wall_shift(std::uint32_t node, Duration shift) {
  machines_[node]->wall_shift = shift;
}

void MeshWorld::set_tool_time(std::uint32_t node, Duration time) {
  machines_[node]->tool_time = time;
  if (machines_[node]->executor) machines_[node]->executor->time = time;
}

std::uint32_t MeshWorld::tools_running(std::uint32_t node) const {
  const auto& executor = machines_[node]->executor;
  return executor ? executor->running_count() : 0;
}

std::size_t MeshWorld::count_logged(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      log_.begin(), log_.end(), [&](const auto& event) { return event.name == name; }));
}

void MeshWorld::find_settings() const {
  for (const auto& machine : machines_) {
    if (settings_) return;
    for (const auto& [key, value] : machine->state->table(Table::facts).rows) {
      if (text_of(key) == "settings") settings_ = decode_settings(value).value();
    }
  }
}

const MeshSettings& MeshWorld::settings() const {
  find_settings();
  invariant(settings_.has_value(), "the mesh is founded");
  return *settings_;
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
