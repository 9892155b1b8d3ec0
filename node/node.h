#pragma once

#include <deque>

#include "base/events.h"
#include "node/clock_rule.h"
#include "node/counted_transport.h"
#include "node/disk_marks.h"
#include "node/drop_strays.h"
#include "node/evictions.h"
#include "node/join_check.h"
#include "node/kept_journal.h"
#include "node/learned_costs.h"
#include "node/operations.h"
#include "node/options.h"
#include "node/partition_move.h"
#include "node/peers.h"
#include "node/placements.h"
#include "node/post.h"
#include "node/repair_orders.h"
#include "node/results.h"
#include "node/ring_plans.h"
#include "node/runs.h"
#include "node/shells.h"
#include "node/standing.h"
#include "node/state_writer.h"
#include "replication/hints.h"
#include "replication/hybrid_clock.h"
#include "replication/intake.h"
#include "replication/partition_sync.h"
#include "replication/rebalance.h"
#include "replication/repair.h"
#include "replication/scrub.h"
#include "replication/version_floors.h"
#include "routing/avoidance.h"
#include "routing/hot_images.h"

namespace pixmesh {

class CheckCopy;

/// One peer put together. Takes every event of the outside world on one thread, hands it to the
/// machine it belongs to, and performs what the machine says. It decides nothing itself: the rules
/// are in membership, replication, routing and processing.
///
///   node.cc           life, events, time
///   node_messages.cc  which machine a message belongs to
///   node_effects.cc   what becomes of a machine's effects
///   node_members.cc   members, placement, and what follows from them
///   node_orders.cc    what an operator wants done
///   node_disks.cc     disks that are added, replaced and removed
///   node_moves.cc     partitions that move between the disks
///   node_status.cc    what an operator is told
class Node : private Post {
 public:
  Node(NodeOptions options, RecipeBook book, const NodeMemory& memory, Outside outside, Rng rng);
  ~Node() override;

  void start(Instant now, WallTime wall);
  void on_event(Instant now, WallTime wall, const HostEvent& event);
  void on_deadline(Instant now, WallTime wall);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// Asks the node to end; `stopped` turns true when nothing is left to wait for.
  void stop(Instant now);
  [[nodiscard]] bool stopped() const { return stop_at_ && stopped_; }
  /// Why it stopped by itself; empty after an ordinary stop.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  /// Null until a mesh is known; then for good.
  [[nodiscard]] const MeshSettings* settings() const { return members_.settings(); }
  void set_recipes(RecipeBook book) { runs_.set_book(std::move(book)); }
  void check_invariants() const;
  /// Conversations under way on behalf of clients and other members; none on a node at rest.
  [[nodiscard]] std::size_t open_conversations() const;
  /// Whose wall clocks this node compares its own with.
  [[nodiscard]] const WallClocks& clocks() const { return peers_.clocks(); }

 private:
  // node.cc
  [[nodiscard]] MeshView make_view();
  void begin_turn(Instant now, WallTime wall);
  void after_event(Instant now);
  void drain_local(Instant now);
  void on_disk_answer(Instant now, const DiskAnswered& answered);
  void on_arrived(Instant now, const MessageArrived& arrived);
  void to_member(NodeId to, Message message) override;
  void to_link(LinkId to, Message message) override;
  void keep_clock(Instant now);

  // node_messages.cc
  void on_message(Instant now, LinkId link, const Message& message);
  void on_client(Instant now, LinkId link, const Message& message);
  void on_peer(Instant now, LinkId link, NodeId from, const Message& message);
  void on_bulk(Instant now, const BulkEnd& from, const BulkMessage& message,
               const std::optional<ChunkRef>& chunk);
  void on_stream_open(Instant now, const BulkEnd& from, const StreamOpen& open);
  void on_commit(Instant now, LinkId link, const CommitRequest& request);
  void tell_operation(Instant now, OperationId id, NodeId from, const PeerMessage& message);
  template <typename Wish>
  void revise(Instant now, LinkId link, const Wish& wish, PartitionId source_partition);
  [[nodiscard]] std::optional<std::uint32_t> disk_for(const RunInput& input) const;
  [[nodiscard]] InputPlace place_of(const RunInput& input) const;
  [[nodiscard]] RowAnswer row_of(const RowRequest& request) const;
  [[nodiscard]] MeshAnswer mesh_of(OperationId operation) const;
  [[nodiscard]] HolderLists best_lists_of(PartitionId partition) const;
  [[nodiscard]] bool tells_of(std::string_view name, PartitionId disk) const;
  [[nodiscard]] Version floor_for(Instant now, const VersionRequest& request);

  // node_effects.cc
  struct WantedSync {
    PartitionId partition;
    std::vector<NodeId> sources;
    bool of_rebalance = false;
    std::optional<HolderLists> under;
    std::optional<Quorums> judges;
  };
  struct CopyAsker {
    LinkId link;
    OperationId operation;
  };
  template <typename Op, typename... Arguments>
  void begin(Instant now, Arguments&&... arguments);
  template <typename Op, typename Wish, typename... Arguments>
  void begin_wish(Instant now, LinkId link, const Wish& wish, Arguments&&... arguments);
  void perform(Instant now, Operation& operation, Effects effects);
  void perform_one(Instant now, OperationId owner, Effect& effect);
  void finish(Instant now, Operation& operation);
  void send_bulk(const BulkEnd& to, const BulkMessage& message,
                 const std::optional<ChunkRef>& chunk);
  void check_copy(Instant now, const SuspectBytes& suspect, std::optional<CopyAsker> asker);
  void on_copy_checked(const CheckCopy& check);
  void queue_sync(PartitionId partition, std::vector<NodeId> sources);
  [[nodiscard]] std::vector<NodeId> hint_sources_of(PartitionId partition, NodeId giver) const;
  void start_syncs(Instant now);
  void begin_sync(Instant now, WantedSync wanted);

  // node_members.cc
  void on_peer_news(Instant now);
  void on_members_changed(Instant now, const MembersChanged& changed);
  void on_member_down(Instant now, NodeId node);
  void on_record_stolen(Instant now, const OwnRecordStolen& stolen);
  void doubt_all(Instant now);
  void end_doubts_of_all_when_durable();
  void apply_evictions(Instant now, std::vector<NodeId> nodes);
  [[nodiscard]] bool has_gone(NodeId node) const;
  void forget_hints_of_gone(NodeId node);
  void refresh_view();
  void open_partitions(Instant now);
  void write_places(const std::vector<DiskDescription>& known);
  void on_placement(Instant now);
  void leave_if_done(Instant now);
  [[nodiscard]] EvictionScene eviction_scene() const;
  void decide_join(Instant now);
  [[nodiscard]] std::vector<NodeId> others_with_copies() const;
  [[nodiscard]] bool is_covered() const;
  [[nodiscard]] bool is_covered_by(const MembersAsked& asked) const;
  void fail(Instant now, const std::string& why);

  // node_orders.cc
  void on_command(Instant now, LinkId link, const CommandRequest& wish);
  [[nodiscard]] Result<std::string> carry_out(Instant now, const CommandRequest& wish);
  void on_plan(Instant now, LinkId link, const PlanRequest& wish);
  void on_apply(Instant now, LinkId link, const ApplyRequest& wish);

  // node_disks.cc
  struct DiskOrder {
    std::optional<LinkId> link;  // of who gave it; none: the node itself
    OperationId operation;
    NodeCommand command{};
    std::string folder;
    std::uint64_t capacity = 0;
    std::optional<std::uint32_t> old;  // the disk that goes
    bool is_there = false;  // the old one, where it was; a background thread finds out, and …
    Result<NewDisk> opened = Error{ErrorCode::failed, "it was not opened"};  // … opens the new one
    std::optional<NewDisk> fresh;
    bool is_ready = false;    // all that is slow is done
    bool is_written = false;  // what follows is on its way to the state folder
  };
  void on_disk_order(Instant now, LinkId link, const CommandRequest& wish);
  [[nodiscard]] Result<Done> check_disk_order(const CommandRequest& wish);
  void give_up_failed_disk(Instant now);
  void end_disk_order(const Result<std::string>& done);
  void run_disk_job(std::function<void()> job, std::function<void(Instant)> then);
  void look_at_old_disk(Instant now);
  void take_out_disk(Instant now);
  void open_new_disk();
  void write_new_places();
  void use_new_places(Instant now, DiskPlaces places);
  void begin_disk_work(Instant now, std::uint32_t disk);
  void end_doubts_if_durable();
  [[nodiscard]] std::optional<std::uint32_t> disk_in(const std::string& folder) const;

  // node_moves.cc
  void use_disk(OperationId owner, UseDisk use);
  void submit(OperationId owner, std::uint32_t disk, UseDisk use);
  void note_use(OperationId owner, PartitionId partition);
  void end_uses(OperationId owner);
  [[nodiscard]] bool is_held_back(OperationId owner, const UseDisk& use) const;
  void go_on_moving(Instant now);
  void begin_move(Instant now);
  void close_if_quiet(Instant now);
  void on_move_done(Instant now, const MovePartitions& move);
  void open_closed(Instant now);
  void release(Instant now, OperationId owner, UseDisk use);
  void drop_strays(Instant now);
  [[nodiscard]] Stray stray_of(PartitionId partition, std::uint32_t disk) const;
  [[nodiscard]] bool may_move(PartitionId partition) const;
  [[nodiscard]] std::optional<Instant> next_move_at() const;
  [[nodiscard]] Result<DiskAnswer> without_strays(const DiskAnswered& answered) const;

  // node_status.cc
  void on_status(Instant now, LinkId link, const StatusRequest& request);
  void add_members(StatusAnswer& status) const;
  void add_awaited(const std::vector<std::optional<DiskSummary>>& disks,
                   StatusAnswer& status) const;
  [[nodiscard]] ClockStatus clock_status() const;
  [[nodiscard]] std::string awaited_place() const;
  [[nodiscard]] RepairStatus repair_status(
      const std::vector<std::optional<DiskSummary>>& disks) const;
  [[nodiscard]] std::uint64_t copies_to_make(PartitionId partition) const;
  [[nodiscard]] bool is_to_be_filled(PartitionId partition) const;
  [[nodiscard]] bool answers_for(const std::vector<NodeId>& holders) const;
  [[nodiscard]] bool is_short_of_copies(PartitionId partition) const;
  [[nodiscard]] StatusAnswer status_of(const std::vector<std::optional<DiskSummary>>& disks);
  [[nodiscard]] static DiskStatus status_of_disk(const DiskDescription& disk,
                                                 const std::optional<DiskSummary>& summary);
  [[nodiscard]] RecipesAnswer recipes_of(OperationId operation) const;

  NodeOptions options_;
  CountedTransport transport_;
  Outside outside_;
  Rng rng_;
  NodeMemory memory_;  // hints until the start, the rest until the partitions are opened
  RecordCodec codec_;
  RepairPace pace_;  // outlives the syncs
  Operations operations_;
  std::size_t own_operations_ = 0;  // of them, those that never end
  StateWriter writer_;
  MemberTable members_;
  Standing standing_;
  WallTime wall_;
  Peers peers_;
  ClockRule clock_rule_;
  Evictions evictions_;
  Placements placements_;
  RepairOrders repair_orders_;
  RingPlans plans_;
  JoinCheck join_check_;
  MeshView view_;
  HybridClock clock_;
  VersionFloors version_floors_;
  bool clock_write_running_ = false;
  IngressBudget ingress_;
  Hints hints_;
  Avoidance avoidance_;
  Results results_;  // in front of runs_, which speaks through it
  HotImages hot_images_;
  Runs runs_;
  KeptJournal kept_journal_;  // of runs_
  LearnedCosts costs_;        // of runs_
  Shells shells_;
  DiskPlaces places_;
  std::vector<PartitionId> one_of_each_disk_;  // addresses of the disks in use
  Rebalance* rebalance_ = nullptr;             // owned by operations_, as is the next
  Repair* repair_ = nullptr;
  TombstoneCollection* collection_ = nullptr;
  PartitionId leaving_at_;  // the one that kept us the last time
  DiskMarks* marks_ = nullptr;
  std::vector<Scrub*> scrubs_;                               // by number of disk
  std::map<Digest, std::vector<CopyAsker>> checked_copies_;  // and who wants to know of it

  // Syncs that hints and repair asked for wait here; rebalance bounds its own.
  std::deque<WantedSync> wanted_syncs_;
  std::map<PartitionId, bool> running_syncs_;  // and whether rebalance waits for it
  std::set<PartitionId> drops_after_sync_;
  using Offers = std::map<NodeId, std::uint64_t>;  // the last round of each giver
  static void note_offer(Offers& offers, NodeId giver, std::uint64_t round);
  std::map<PartitionId, Offers> hint_offers_;  // since which no sync has begun
  std::map<PartitionId, Offers> hint_givers_;  // to be told when the sync is done

  // Disks that come and go, and partitions that move between them.
  std::optional<DiskOrder> disk_order_;
  OperationId disk_job_;
  std::function<void(Instant)> after_disk_job_;
  std::vector<TableRow> rows_after_doubts_;
  bool doubts_end_ = false;  // the state folder is to be told when the doubts are durable
  std::set<PartitionId> to_move_;
  MovePartitions* move_ = nullptr;
  std::string move_problem_;  // the last one that was logged
  DropStrays* drop_strays_ = nullptr;
  Instant moves_at_;
  Instant move_ready_since_;
  PartitionId move_next_;
  std::set<std::uint32_t> stray_disks_;  // that may have what lies on another one
  Instant strays_at_;
  std::set<PartitionId> closed_;  // nobody begins to use them: they are about to be elsewhere
  std::vector<std::pair<OperationId, UseDisk>> held_back_;
  std::set<OperationId> own_ids_;  // operations that never end
  std::map<OperationId, std::set<PartitionId>> used_by_;
  std::map<PartitionId, std::uint32_t> in_use_;

  struct EarlyWish {
    Instant at;
    LinkId link;
    Message message;
  };
  std::vector<EarlyWish> early_;  // that wait for the first placement
  // Wishes that wait for an earlier try here; at most one for each operation that runs.
  std::map<RequestId, std::pair<LinkId, Message>> said_again_;

  struct LocalBulk {
    BulkMessage message;
    std::optional<ChunkRef> chunk;
  };
  std::deque<std::variant<Message, LocalBulk>> local_;

  Instant now_;
  Instant no_old_wishes_until_;  // wishes that are done at once, whenever they were said
  Instant started_at_;
  std::uint64_t malformed_ = 0;
  std::uint64_t stream_bytes_in_ = 0;
  std::uint64_t stream_bytes_out_ = 0;
  std::uint64_t dropped_ = 0;
  std::optional<Instant> stop_at_;
  bool stopped_ = false;
  std::string failure_;
};

}  // namespace pixmesh
