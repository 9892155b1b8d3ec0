#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/signature.h"
#include "simulations/world/mesh_client.h"
#include "simulations/world/node_machine.h"
#include "simulations/world/placement_cache.h"
#include "simulations/world/trace.h"

namespace pixmesh {

struct WorldOptions {
  std::uint64_t seed = 1;
  std::uint32_t partition_bits = partition_bits_min;
  std::uint32_t replicas = 3;
  std::uint32_t write_quorum = 2;
  Duration scrub_period = Scrub::Options{}.period;
  std::optional<Duration> out_delay;
  Duration renew_every = NodeOptions{}.renew_every;
  TombstoneCollection::Options collection;
  bool check_all_invariants = true;
};

/// What is particular about one node.
struct NodePlan {
  std::optional<std::string> zone;        // none: one of its own
  std::uint32_t weight = 8;               // 1 … 255
  bool hold = false;                      // it joins, and waits for a place in the ring
  std::uint32_t disks = 1;                // 1 … 4
  std::optional<std::uint64_t> capacity;  // if not what its weight says; it then looks before it
                                          // takes a place
};

/// All that a node keeps on its disks, as an image of its machine would have it.
struct NodeContents {
  MachineDisks::Image disks;
  VirtualDisk::Contents state;
  KeptFacts results;
};

class WorldWatch;

/// Real nodes on one clock and one seed, with everything around them played by memory. Nodes have
/// the numbers 0, 1, …; node 0 founds the mesh.
///
/// Whoever asks something waits: time runs on until there is an answer.
class MeshWorld {
 public:
  explicit MeshWorld(WorldOptions options = {});
  ~MeshWorld();

  /// A further node that joins through one that runs. @returns its number.
  std::uint32_t add_node(const NodePlan& plan = {});
  void add_nodes(std::uint32_t count);
  void crash(std::uint32_t node);
  void restart(std::uint32_t node);
  void ask_to_stop(std::uint32_t node);
  [[nodiscard]] NodeContents contents_of(std::uint32_t node) const;
  /// A node that does not run has these from now on, and nothing else.
  void restore(std::uint32_t node, NodeContents contents);
  /// A second process with the identity of `node`, on a copy of its folders as they are now. It has
  /// an address of its own, and no client asks it anything.
  void start_twin(std::uint32_t node);
  void end_twin(std::uint32_t node);
  [[nodiscard]] bool has_twin(std::uint32_t node) const;
  /// The node whose process, or whose twin, a party is; a client keeps its number.
  [[nodiscard]] static PartyId node_of(PartyId party) {
    return party >= twins_from && party < MeshClient::first_party ? party - twins_from : party;
  }
  /// Called when a process has ended because it could not go on; for a twin, `is_twin`.
  void when_failed(std::function<void(std::uint32_t node, bool is_twin)> then);
  /// The mesh has been told to forget a node: placement is expected without it.
  void note_forgotten(std::uint32_t node);
  /// More of this blob was destroyed than a mesh survives: whoever has its record may lack its
  /// bytes for good, if it says so.
  void note_lost(const std::string& blob_path) { lost_.insert(blob_path); }
  [[nodiscard]] bool is_lost(const std::string& blob_path) const {
    return lost_.contains(blob_path);
  }

  /// The process stands still and takes no events; its disks and tools go on.
  void pause(std::uint32_t node);
  void resume(std::uint32_t node);
  /// Handling events, running tools and jobs beside them take so many times as long; 1: as usual.
  void set_slowness(std::uint32_t node, std::uint32_t times);
  /// Gives a command and does not wait; `then` gets the answer if one comes.
  void tell_copies(std::uint32_t node, std::uint32_t replicas, std::uint32_t write_quorum);
  /// Plans another weight of the node and applies the plan.
  void tell_weight(std::uint32_t node, std::uint32_t weight);
  void tell(std::uint32_t node, NodeCommand command, NodeId target,
            std::function<void(const CommandAnswer&)> then = nullptr);
  /// A further disk is mounted, and the node told to use it.
  void add_disk(std::uint32_t node, std::uint64_t capacity_bytes);
  /// The disk in this place is pulled out, and the node told to go on with a new one or, without
  /// that, with those that it has. Not of the first.
  void replace_disk(std::uint32_t node, std::uint32_t place);
  void remove_disk(std::uint32_t node, std::uint32_t place);
  /// A node that does not run has an empty disk in this place from now on.
  void lose_disk(std::uint32_t node, std::uint32_t place);

  void cut(std::uint32_t a, std::uint32_t b) { network_.cut(a, b); }
  void heal(std::uint32_t a, std::uint32_t b) { network_.heal(a, b); }
  void heal_all() { network_.heal_all(); }

  void watch(WorldWatch& watch);
  [[nodiscard]] VirtualClock& clock() { return clock_; }
  [[nodiscard]] VirtualNetwork& network() { return network_; }
  [[nodiscard]] NodeMachine& machine(std::uint32_t node) { return *machines_[node]; }
  [[nodiscard]] const Trace& trace() const { return trace_; }
  /// Every event and every line of a log, as they happen.
  void tell_everything(std::function<void(const std::string&)> told);

  /// What its host tells a node.
  void deliver(std::uint32_t node, const HostEvent& event);
  void run_for(Duration duration);
  /// Lets time run until `holds`, at most `patience`. @returns whether it came to hold.
  bool run_until(const std::function<bool()>& holds, Duration patience = 60s);
  /// Until nothing is left in `unrest`.
  bool run_until_settled(Duration patience = 120s);

  [[nodiscard]] Instant now() const { return clock_.now(); }
  [[nodiscard]] std::uint32_t node_count() const {
    return static_cast<std::uint32_t>(machines_.size());
  }
  [[nodiscard]] bool is_running(std::uint32_t node) const { return machines_[node]->is_running(); }
  [[nodiscard]] bool is_member(std::uint32_t node) const { return machines_[node]->is_member; }
  [[nodiscard]] std::vector<std::uint32_t> running() const;
  [[nodiscard]] NodeId id_of(std::uint32_t node) const;
  [[nodiscard]] std::uint32_t number_of(NodeId id) const;
  /// A disk that is mounted; most nodes have one only.
  /// @param place  counted round
  [[nodiscard]] VirtualDisk& disk(std::uint32_t node, std::uint32_t place = 0) {
    return machines_[node]->disks->at(place);
  }
  /// Where it is mounted; none: it was pulled out.
  [[nodiscard]] std::optional<std::uint32_t> place_of(std::uint32_t node,
                                                      const VirtualDisk& disk) const {
    return machines_[node]->disks->place_of(disk);
  }
  /// Those that its process uses.
  [[nodiscard]] const std::vector<VirtualDisk*>& disks(std::uint32_t node) const {
    return machines_[node]->disks->in_use();
  }
  /// The disk on which the node has this partition, if it has it. What lies on its others is
  /// strayed.
  [[nodiscard]] VirtualDisk& disk_of(std::uint32_t node, PartitionId partition) const {
    return machines_[node]->disks->disk_of(partition, *machines_[node]->state);
  }
  [[nodiscard]] bool is_stray(std::uint32_t node, const VirtualDisk& disk,
                              PartitionId partition) const {
    return &disk_of(node, partition) != &disk;
  }
  /// Whether a disk of it may not have yet what the node goes by.
  [[nodiscard]] bool is_behind(std::uint32_t node) const;
  /// A record of each name that it has, strays left out.
  void for_each_record(
      std::uint32_t node,
      const std::function<void(const VirtualDisk::Key&, const VirtualDisk::Record&)>& told) const;
  /// Rows whose keys begin with a partition, strays left out.
  void for_each_row(std::uint32_t node, Table table,
                    const std::function<void(const Bytes& key, const Bytes& value)>& told) const;
  [[nodiscard]] VirtualDisk& state(std::uint32_t node) { return *machines_[node]->state; }
  [[nodiscard]] PartitionId partition_of_name(const std::string& name) const;
  /// A node's own member record as it has it on its disk.
  [[nodiscard]] std::optional<MemberRecord> stored_member(std::uint32_t node);
  /// The lists of a partition as this node has them on its disk.
  /// With the numbers of the nodes, for people.
  [[nodiscard]] std::string lists_text(const HolderLists& lists) const;
  [[nodiscard]] std::optional<HolderLists> stored_lists(std::uint32_t node, PartitionId partition);
  [[nodiscard]] bool is_recovering(std::uint32_t node, PartitionId partition);
  [[nodiscard]] std::uint64_t stored_collected(std::uint32_t node, PartitionId partition);
  [[nodiscard]] std::optional<HolderSets> stored_sets(std::uint32_t node, PartitionId partition);
  /// The running nodes whose disk holds this name, tombstones included, and its record.
  [[nodiscard]] std::vector<std::uint32_t> keepers_of(const std::string& name);
  [[nodiscard]] std::optional<ImageRecord> record_at(std::uint32_t node, const std::string& name);
  [[nodiscard]] std::vector<std::string> faults();
  /// Partitions that are not as they must be in a mesh at rest; empty: all is well. Expected are
  /// the holders that the placement of all members names, dead ones included.
  [[nodiscard]] std::vector<std::string> unrest();
  /// Of all members, dead ones included.
  [[nodiscard]] const PlacementTable& expected_placement();
  [[nodiscard]] std::size_t count_logged(std::string_view name) const;
  [[nodiscard]] const std::vector<LoggedEvent>& log() const { return log_; }
  [[nodiscard]] std::uint64_t bytes_sent() const { return network_.bytes_sent(); }
  [[nodiscard]] std::uint64_t chunks_to_client() const {
    return network_.chunks_to(MeshClient::first_party);
  }
  /// Times a node wanted to be woken at once after it had been woken: a real loop would spin.
  [[nodiscard]] std::uint64_t late_wakes() const { return late_wakes_; }
  [[nodiscard]] Rng& rng() { return rng_; }
  [[nodiscard]] const MeshSettings& settings() const;

  /// From now on the node's wall clock is this much ahead of the world's; less than zero: behind.
  void set_wall_shift(std::uint32_t node, Duration shift);
  void set_tool_time(std::uint32_t node, Duration time);
  void set_tool_trouble(std::uint32_t node, ToolTrouble trouble);
  [[nodiscard]] std::uint32_t tools_running(std::uint32_t node) const;

  // --- A client's wishes, asked of one node ---
  [[nodiscard]] MeshClient& client() { return *client_; }
  WriteDone put(std::uint32_t via, const std::string& name, const Bytes& bytes, PutWish wish = {});
  Result<Bytes> get(std::uint32_t via, const std::string& name);
  LookupAnswer look_up(std::uint32_t via, const std::string& name, bool strict = false);
  WriteDone remove(std::uint32_t via, const std::string& name,
                   std::optional<RequestId> retry_of = std::nullopt);
  WriteDone tag(std::uint32_t via, const std::string& name, std::vector<Tag> changes);
  WriteDone copy(std::uint32_t via, const std::string& from, const std::string& to);
  ListAnswer list(std::uint32_t via, const std::string& prefix, std::uint32_t page = 1'000);
  StatusAnswer status(std::uint32_t via);
  CommandAnswer command(std::uint32_t via, NodeCommand command, NodeId target = {},
                        bool force = false, bool accept_fewer = false);
  CommandAnswer order(std::uint32_t via, const CommandRequest& request);
  PlanAnswer plan(std::uint32_t via, const RingChange& change);
  ApplyAnswer apply(std::uint32_t via, PlanId plan, bool accept_fewer = false);
  RunOutcome run(std::uint32_t via, const std::string& name);

  [[nodiscard]] static Bytes sample_image(std::size_t size, std::uint64_t seed);
  [[nodiscard]] static Bytes expected_output(const Bytes& input);

 private:
  template <typename T>
  T ask(std::uint32_t via, Message message, T when_silent);
  static constexpr std::uint32_t twins_from = 500;  // numbers of twins, and their parties
  [[nodiscard]] static bool is_node(std::uint32_t number) { return number < twins_from; }
  [[nodiscard]] NodeMachine& machine_of(std::uint32_t number);
  void give_disks(NodeMachine& machine, std::uint32_t count);
  [[nodiscard]] std::unique_ptr<VirtualDisk> make_disk(NodeMachine& machine, std::uint32_t index);
  void order_disk(std::uint32_t node, NodeCommand command, std::string folder,
                  std::uint64_t capacity_bytes);
  void start(std::uint32_t node);
  void hand_over(NodeMachine& machine, const HostEvent& event);
  void begin_turn(NodeMachine& machine);
  void end_turn(std::uint32_t node);
  void apply_slowness(NodeMachine& machine);
  void wake(std::uint32_t node);
  void after_step(std::uint32_t node);
  void arm(std::uint32_t node);
  [[nodiscard]] NodeOptions options_of(const NodeMachine& machine);
  [[nodiscard]] std::vector<std::string> unrest_of_disks(std::uint32_t node) const;
  void find_settings() const;
  [[nodiscard]] std::optional<MeshSettings> stored_settings(std::uint32_t node) const;
  [[nodiscard]] MeshSettings newest_settings() const;
  void on_answered(OperationId operation);
  [[nodiscard]] std::uint32_t weight_of_member(const NodeMachine& machine);
  void note_logged(std::uint32_t node, std::string_view name, std::string fields);

  RememberedSignatures signatures_;
  WorldOptions options_;
  Rng rng_;
  VirtualClock clock_;
  VirtualNetwork network_;
  std::vector<std::unique_ptr<NodeMachine>> machines_;
  std::map<std::uint32_t, std::unique_ptr<NodeMachine>> twins_;  // those that ended, too
  std::function<void(std::uint32_t)> on_failed_;
  std::unique_ptr<MeshClient> client_;
  std::map<OperationId, std::function<void(const Message&)>> told_;  // whose answer is awaited
  mutable std::optional<MeshSettings>
      settings_;  // read from a disk when first needed; of these only R and W may change
  std::vector<LoggedEvent> log_;
  std::set<std::uint32_t> left_;  // nodes that said so
  std::set<std::string> lost_;    // blobs
  Trace trace_;
  std::function<void(const std::string&)> told_log_;
  WorldWatch* watch_ = nullptr;
  PlacementCache placement_cache_;
  std::optional<PlacementTable> placement_;  // expected of `placed_`
  std::vector<std::uint32_t> placed_;        // the weights of the members then; 0: it was none
  std::uint32_t placed_replicas_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t late_wakes_ = 0;
};

/// Nodes 0 … count - 1, joined and settled.
[[nodiscard]] std::unique_ptr<MeshWorld> settled_mesh(std::uint32_t count, std::uint64_t seed);

/// For doctest: what `unrest` and `faults` found, in one text.
[[nodiscard]] std::string joined(const std::vector<std::string>& lines);

}  // namespace pixmesh
