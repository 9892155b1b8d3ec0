#pragma once

#include <map>
#include <set>

#include "replication/operation.h"
#include "replication/partition_set.h"
#include "replication/store_record.h"

namespace pixmesh {

/// Moves partitions from the holders they have to the holders they should have, losing nothing.
///
/// For each partition that a new placement gives other holders:
///   1. every holder persists the new lists; settled members then announce them to target members
///   2. a target member that heard from R-W+1 settled members is *fenced*: from now on every write
///      goes to both sets, so what it reads next is complete. It compares and fetches (StartSync)
///   3. it confirms to the collector, the lowest living target member
///   4. all target members confirmed: the collector has the new settled set *prepared* by W of the
///      old one and by all of the new one, then *settled*. Only now does the target stand alone.
///      Its number is above that of any set prepared under a placement that knew less: whoever
///      prepared such a set and missed what followed is outnumbered, and learns it. Who prepared a
///      set and has another placement before it hears that the set settled goes on from it, and
///      from the sets it was to follow: each of them is asked for its quorums
///   5. a holder outside the new set waits until it knows that set as settled, and until all of it
///      say that they know it too: the word may have reached nobody else, and another set that it
///      is in may still turn out to be the settled one. Either needs it for the fence. It then
///      shows each target holder its fingerprint; where they differ, for a write may have missed
///      one that had confirmed, it offers the partition as a hint
///   6. it drops its copy when each was equal, or took the hint
/// A copy that is not known complete (its disk is new, or older than it should be) is *recovering*:
/// durably so, until it has merged what a read quorum of each former set has, ourselves not
/// counted, from members whose lists are ours; or from all of them, whether they recover or not.
/// A target member that knows no lists counts as merged: it has been in no settled set.
/// Those that were evicted since count in that set, unless they were given up. It stores what is
/// written, but answers no lookup, counts in no fence, confirms nothing, and learns the lists by
/// asking as one that knows none. So is the copy of one that is told of a former set that it is in
/// and knows of none: it has dropped that copy since, and who tells it has missed why.
///
/// Where nobody can tell who held a partition (all were given up, or lost their disks), the first
/// target member asks every member that may have copies, all of them alive. If none knows a later
/// set than it does, it goes on as the settled set, with what it has. So does one that recovers
/// and knows of nobody else that the partition comes from: its lists are as old as its copy.
///
/// Each message may be lost, repeated or late: what is not answered is said again, and entries of
/// another epoch or number are ignored.
///
/// Invariant: lists are persisted before any other node is told of them; a copy is dropped only
/// after all target holders confirmed theirs.
class Rebalance : public Operation {
 public:
  struct Options {
    Duration tick = 50ms;               // batching of what is to be said
    Duration repeat_after = 1s;         // until it is answered
    Duration look_after = 2s;           // until what is to be dropped is compared again
    Duration poll_after = 5s;           // a member that missed the settling asks again
    std::uint32_t syncs_max = 4;        // partitions fetched at once
    std::uint32_t sync_queue_max = 64;  // put in order at once, those with the fewest copies first
    std::uint32_t drops_max = 64;       // partitions dropped at once; most are empty
    std::uint32_t compare_max = 1'000;  // partitions in one fingerprint message
    std::uint32_t compare_yielding_max = 128;  // and while clients are at work
    std::uint64_t announced = 0;  // rounds of announcements before, by earlier processes too
  };
  struct Progress {
    std::uint32_t unsettled = 0;    // partitions of ours still in motion
    std::uint32_t to_sync = 0;      // that wait for their bytes
    std::uint64_t bytes_moved = 0;  // fetched by rebalance since the last placement
    std::uint64_t files_moved = 0;
    std::uint32_t begun_anew = 0;  // since the start: nobody was left who knew who held them
  };

  Rebalance(OperationId id, const MeshView& mesh, const RecordCodec& codec,
            std::uint32_t partition_count);
  Rebalance(OperationId id, const MeshView& mesh, const RecordCodec& codec,
            std::uint32_t partition_count, Options options);

  /// A row as `persist` wrote it, at start.
  void restore(ByteView key, ByteView value);
  /// What this node has of these partitions may be less than it had. After `restore`, before
  /// `start`.
  void doubt(const std::vector<PartitionId>& partitions);
  /// The same while it runs: their disk is gone, and they begin anew on another one.
  [[nodiscard]] Effects lose(Instant now, const std::vector<PartitionId>& partitions);
  /// Whether everything that is to outlive a restart is durable.
  [[nodiscard]] bool all_written() const { return unwritten_.empty() && writing_.empty(); }
  /// The first holder of a new mesh: everything is settled on it.
  [[nodiscard]] Effects found(Instant now);
  /// A new placement: the target holders of every partition, in order of partition.
  [[nodiscard]] Effects on_placement(
      Instant now, const std::function<std::vector<HolderLife>(PartitionId)>& target);
  [[nodiscard]] Effects on_sync_done(Instant now, PartitionId partition,
                                     const std::vector<NodeId>& merged,
                                     const std::vector<NodeId>& merged_in_doubt,
                                     std::uint64_t bytes);
  [[nodiscard]] Effects on_drop_done(Instant now, PartitionId partition);
  /// More is known of the evictions of these members, by id: lists_from says what follows.
  [[nodiscard]] Effects on_evicted(Instant now, const std::vector<NodeId>& members);

  Effects start(Instant now) override;
  Effects on_message(Instant now, NodeId from, const PeerMessage& message) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override { return tick_at_; }
  bool finished() const override { return false; }

  /// Our lists of a partition; unknown when we hold it neither way, and while our copy is dropped:
  /// a write accepted meanwhile could go with it.
  [[nodiscard]] const HolderLists& lists_of(PartitionId partition) const;
  [[nodiscard]] bool is_dropping(PartitionId partition) const {
    return parts_[partition.raw].dropping;
  }
  [[nodiscard]] bool is_recovering(PartitionId partition) const {
    return parts_[partition.raw].recovering;
  }
  /// We are to hold it and do not yet have all of it, as far as this process knows.
  [[nodiscard]] bool is_joining(PartitionId partition) const;
  /// Partitions of ours that are not settled, or recovering.
  [[nodiscard]] const PartitionSet& moving() const { return moving_; }
  /// Evicted members that this partition waits for, by id: they may have what nobody else has.
  [[nodiscard]] std::vector<NodeId> awaited_by(PartitionId partition) const;
  [[nodiscard]] Progress progress() const;
  void check_invariants() const;

 private:
  struct Part {
    HolderSets sets;
    HolderLists lists;           // that follow from `sets`
    std::uint64_t prepared = 0;  // the target set is, as settled set of this number
    bool fenced = false;
    bool synced = false;
    bool in_sync = false;        // a StartSync is running
    bool sync_outdated = false;  // it began under other lists: what it read may be too little
    bool dropping = false;
    bool recovering = false;
    std::vector<NodeId> unnoted;        // target members that have not noted our lists
    std::uint64_t unnoted_after = 0;    // and notes of what was announced up to then are of others
    std::vector<NodeId> without_lists;  // target members that know none; we are recovering
    std::vector<NodeId> announced_by;   // settled members that persisted the lists
    std::vector<NodeId> confirmed_by;   // we are the collector
    std::vector<NodeId> prepared_by;
    std::optional<Instant> leaving_since;  // target members are told that we are to drop it
    std::vector<NodeId> seen_by;           // those of them that have all that is here
  };
  using Entries = std::vector<SyncConfirmed::Entry>;

  [[nodiscard]] Part& part(PartitionId partition) { return parts_[partition.raw]; }
  [[nodiscard]] bool in_motion(const Part& part) const;
  [[nodiscard]] static bool is_replaced(const Part& part);
  [[nodiscard]] bool we_are_in(const std::vector<NodeId>& set) const;
  [[nodiscard]] NodeId collector_of(const Part& part) const;
  void begin_anew(Part& part, HolderSets sets) const;
  [[nodiscard]] HolderLists lists_from(const HolderSets& sets) const;
  void announce_to_all(Part& part) const;
  void begin_announcing(Part& part) const;
  void raise_fence(Part& part) const;
  void retarget(PartitionId partition, HolderSet target);
  void settle(PartitionId partition, std::uint64_t number);
  [[nodiscard]] bool is_orphan(PartitionId partition) const;
  [[nodiscard]] Effects ask_about_orphans();
  [[nodiscard]] Effects on_orphan_answer(Instant now, NodeId from, const ListsAnswer& answer);
  void begin_from_self(PartitionId partition);
  [[nodiscard]] std::uint64_t next_number_of(const Part& part) const;
  void note_announcement(PartitionId partition, NodeId from, std::uint64_t round,
                         const HolderSets& heard);
  void go_on_from(PartitionId partition, const HolderSets& heard);
  void wake(Instant now);
  [[nodiscard]] Effects persist();
  void write_again();

  [[nodiscard]] Effects on_announced(Instant now, NodeId from, const ListsAnnounced& message);
  void on_noted(NodeId from, const AnnounceNoted& message);
  void on_taken(NodeId from, const HintTaken& taken);
  [[nodiscard]] Effects on_confirmed(Instant now, NodeId from, const SyncConfirmed& message);
  [[nodiscard]] Effects on_settle(Instant now, NodeId from, const Settle& message);
  void on_step(NodeId from, SettleStep step, const SyncConfirmed::Entry& entry);

  [[nodiscard]] Effects announce();
  void ask_for_settling(Part& part) const;
  [[nodiscard]] Effects confirm();
  [[nodiscard]] Effects collect();
  [[nodiscard]] Effects compare(Instant now);
  [[nodiscard]] Effects send_fingerprints(Instant now);
  void on_compared(Instant now, NodeId from, const FingerprintAnswer& answer);
  void finish_comparison(Instant now);
  [[nodiscard]] bool is_to_look_at(PartitionId partition);
  void take_leave(Instant now, PartitionId partition, const std::vector<NodeId>& equal);
  [[nodiscard]] std::optional<PartitionId> next_to_sync();
  [[nodiscard]] Effects start_syncs();
  [[nodiscard]] Effects start_drops();
  [[nodiscard]] std::vector<NodeId> witnesses_of(const Part& part) const;
  [[nodiscard]] std::optional<Quorums> judges_of(const Part& part) const;
  [[nodiscard]] Quorum quorum_of_others(const HolderSet& set) const;
  [[nodiscard]] Quorums former_quorums_of_others(const Part& part) const;
  [[nodiscard]] std::vector<NodeId> compared_with(PartitionId partition) const;
  [[nodiscard]] bool is_alone_in_doubt(PartitionId partition) const;
  [[nodiscard]] bool may_recover(PartitionId partition) const;
  [[nodiscard]] bool has_recovered(PartitionId partition, std::vector<NodeId> known,
                                   std::vector<NodeId> in_doubt) const;
  [[nodiscard]] Effects go_on_syncing();
  void end_recovery(PartitionId partition);
  void say(NodeId to, SettleStep step, PartitionId partition, std::uint64_t number);
  [[nodiscard]] Effects flush(Instant now);

  const MeshView& mesh_;
  const RecordCodec& codec_;
  Options options_;
  std::vector<Part> parts_;
  PartitionSet moving_;              // partitions of ours that are not settled
  PartitionSet unwritten_;           // lists to persist
  PartitionSet writing_;             // lists whose write is not answered
  std::vector<std::uint8_t> marks_;  // by partition: rows beside its lists that may be on disk
  std::uint32_t disks_owing_ = 0;    // answers to writes and summaries
  PartitionSet to_drop_;
  std::uint32_t syncs_running_ = 0;
  std::uint32_t drops_running_ = 0;
  std::map<std::pair<NodeId, SettleStep>, Entries> outbox_;
  struct Note {
    NodeId to;
    std::uint64_t round = 0;
    bool without_lists = false;
    auto operator<=>(const Note&) const = default;
  };
  std::map<Note, std::vector<PartitionId>> noted_outbox_;
  std::map<NodeId, std::vector<PartitionId>> offer_outbox_;
  std::uint64_t announced_;  // the round of the last announcement
  std::optional<Instant> tick_at_;
  Instant look_at_;
  PartitionId look_from_;  // where the next look at what is to be dropped begins
  Instant announce_at_;
  Instant poll_at_;
  Instant confirm_at_;

  // One comparison of fingerprints at a time.
  struct Comparison {
    std::uint64_t round = 0;  // tells late answers to an earlier one
    std::vector<PartitionId> partitions;
    std::map<PartitionId, std::uint64_t> ours;
    std::uint32_t disks_waiting = 0;
    bool asked = false;
    std::set<NodeId> waiting_for;
    std::map<PartitionId, std::vector<NodeId>> equal;  // members that said so
    Instant give_up_at;
  };
  std::optional<Comparison> comparison_;
  std::uint64_t last_round_ = 0;
  PartitionSet to_sync_;
  std::vector<PartitionId> sync_queue_;  // the next of them, the first one last
  std::uint64_t bytes_moved_ = 0;
  std::uint64_t files_moved_ = 0;
  // Of partitions that nobody seems to know, or to know better than us who are in doubt: members
  // that said so, under this placement.
  std::map<PartitionId, std::vector<NodeId>> denied_by_;
  std::uint32_t begun_anew_ = 0;
};

}  // namespace pixmesh
