#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/disk.h"
#include "base/time.h"
#include "replication/messages.h"

namespace pixmesh {

class RepairPace;

// --- What an operation wants done ---------------------------------------------------------------

struct Ask {  // a message to a member; to oneself too: a holder is asked like any other
  NodeId to;
  PeerMessage message;
};
struct Answer {  // back along the link a question came on
  LinkId to;
  PeerMessage message;
};
struct UseDisk {  // on the disk of this partition; answered to the operation that asked
  PartitionId partition;
  DiskOperation operation;
  bool answered = true;  // false: nobody waits for the outcome
};
using BulkEnd = std::variant<NodeId, LinkId>;  // a peer we call, or whoever called us
struct SendBulk {
  BulkEnd to;
  BulkMessage message;
  std::optional<ChunkRef> chunk;
};
struct RememberHint {  // `target` missed a write to this partition
  NodeId target;
  PartitionId partition;
};
struct ListsDiffer {  // somebody's lists are not ours: exchange member records
  NodeId with;
};
struct StartSync {  // compare this partition with these holders and fetch what is missing
  PartitionId partition;
  std::vector<NodeId> sources;
  std::optional<HolderLists> under;  // of holders whose lists are these, and of no other
  std::optional<Quorums> judges;     // whoever has all that was acknowledged, if here is too much
};
struct RaiseCollected {  // it is durable on the partition's disk
  PartitionId partition;
  std::uint64_t clock = 0;
};
struct StartDrop {  // remove everything of a partition that is no longer ours
  PartitionId partition;
};
struct SuspectBytes {  // our copy of these may be damaged: verify it, and mend it if it is
  PartitionId partition;
  Digest digest;
};
struct NameRemoved {  // a tombstone of this name is durable here
  std::string name;
};
using AnyEffect = std::variant<Ask, Answer, UseDisk, SendBulk, RememberHint, ListsDiffer, StartSync,
                               StartDrop, SuspectBytes, RaiseCollected, NameRemoved>;
/// Compiled once, like PeerMessage.
struct Effect : AnyEffect {
  using AnyEffect::AnyEffect;
  Effect();
  Effect(const Effect&);
  Effect(Effect&&) noexcept;
  Effect& operator=(const Effect&);
  Effect& operator=(Effect&&) noexcept;
  ~Effect();
};
using Effects = std::vector<Effect>;

inline void append(Effects& to, Effects&& more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// What every operation may know about the mesh while it lives. Owned by the node, which keeps it
/// current; an operation only reads it.
struct MeshView {
  NodeId self;
  Epoch epoch;                     // of the placement in use
  std::uint64_t height = 0;        // the same: a placement made from more knowledge is higher
  std::vector<NodeId> alive;       // members that answer; sorted; with self
  std::uint32_t write_quorum = 2;  // W of the settings that the placement was made under
  std::uint32_t partition_count = 0;
  /// Other members that may have copies, dead ones too: neither left nor given up. Sorted.
  std::vector<NodeId> may_have_copies;
  bool knows_others = false;  // any other member, whatever became of it
  bool frozen = false;        // half or fewer of the members answer: move and drop nothing
  bool cut_off = false;       // fewer than half: the others may decide without us
  std::uint64_t doubts = 0;   // times that all our copies were doubted: what they said is void
  std::function<HolderAddress(NodeId)> address_of;
  EvictionLookup eviction_of = [](NodeId) { return EvictionMarks{}; };
  std::function<HolderLists(PartitionId)> lists_of;  // ours; `number` 0 when we do not hold it
  /// Whether our copy of a partition may lack what we once acknowledged: it answers no question.
  std::function<bool(PartitionId)> is_recovering = [](PartitionId) { return false; };
  /// Whether our copy of a partition is not to be counted on yet: we join its holders, and what is
  /// here may be from an earlier time.
  std::function<bool(PartitionId)> is_joining = [](PartitionId) { return false; };
  /// The clock up to which the tombstones of a partition may be gone here (collected.h).
  std::function<std::uint64_t(PartitionId)> collected_of = [](PartitionId) { return 0; };
  std::function<std::optional<std::uint64_t>(std::uint64_t newest)> next_clock;  // HybridClock
  /// Why this node gives no new version just now: its wall clock is too far from the others'.
  std::function<std::optional<std::string>()> clock_refusal = [] { return std::nullopt; };
  /// Our wall clock, and whether that of a coordinator is too far ahead for a name's first version.
  std::function<WallTime()> wall = [] { return WallTime{}; };
  std::function<bool(WallTime)> is_too_early = [](WallTime) { return false; };
  std::function<StreamId()> fresh_stream;
  std::function<std::uint32_t(PartitionId)> disk_of;
  /// What UseDisk takes in place of a partition for each disk of ours but that of this one.
  std::function<std::vector<PartitionId>(PartitionId)> other_disks = [](PartitionId) {
    return std::vector<PartitionId>{};
  };
  RepairPace* pace = nullptr;  // of all syncs together; none: as fast as it goes

  [[nodiscard]] bool is_alive(NodeId node) const { return contains(alive, node); }
  /// Whether our copy has no say about the partition: what is here may be what others have deleted
  /// and forgotten, and they have the rest. Who is in a set that it may come from counts in that.
  [[nodiscard]] bool is_newcomer(const HolderLists& lists, PartitionId partition) const {
    return is_joining(partition) && !is_former_holder(lists, self);
  }
};

/// One conversation with a beginning and an end: a lookup, an upload, a copy. It is told what
/// happens and says what to do; whoever owns it routes by its number, its streams and time.
/// When `finished()` turns true it is thrown away.
class Operation {
 public:
  explicit Operation(OperationId id) : id_(id) {}
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  virtual ~Operation() = default;

  [[nodiscard]] virtual Effects start(Instant now) = 0;
  [[nodiscard]] virtual Effects on_message(Instant, NodeId /*from*/, const PeerMessage&) {
    return {};
  }
  [[nodiscard]] virtual Effects on_disk(Instant, const Result<DiskAnswer>&) { return {}; }
  [[nodiscard]] virtual Effects on_bulk(Instant, const BulkEnd& /*from*/, const BulkMessage&,
                                        const std::optional<ChunkRef>&) {
    return {};
  }
  [[nodiscard]] virtual Effects on_member_down(Instant, NodeId) { return {}; }
  [[nodiscard]] virtual Effects on_deadline(Instant) { return {}; }
  [[nodiscard]] virtual std::optional<Instant> next_deadline() const { return std::nullopt; }
  [[nodiscard]] virtual bool finished() const = 0;

  /// The client's wish that it carries out and has not answered yet: two operations for one wish
  /// could give it two versions.
  [[nodiscard]] virtual std::optional<RequestId> wish() const { return std::nullopt; }
  /// The client has said its wish again: ends, unless somebody may have stored it already.
  [[nodiscard]] virtual Effects give_way() { return {}; }

  /// The stream whose chunks come to this operation, and the one whose credit does.
  [[nodiscard]] virtual std::optional<StreamId> receives() const { return std::nullopt; }
  [[nodiscard]] virtual std::optional<StreamId> sends() const { return std::nullopt; }

  [[nodiscard]] OperationId id() const { return id_; }

 private:
  OperationId id_;
};

}  // namespace pixmesh
