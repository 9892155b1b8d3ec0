#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/alternative.h"
#include "replication/admit.h"
#include "replication/bulk_messages.h"
#include "replication/holder_sets.h"
#include "replication/record.h"

// What holders, coordinators and clients say to one another about images. A question carries the
// asker's operation; the answer goes back along the same link and carries it again.
namespace pixmesh {

// --- A client's wishes ---------------------------------------------------------------------------

struct RowRequest {  // who holds this partition?
  OperationId operation;
  PartitionId partition;
};
struct HolderAddress {
  NodeId node;
  std::string control;  // host:port
  std::string bulk;
  std::string zone;
  bool alive = true;
};
struct RowAnswer {
  OperationId operation;
  ErrorCode code{};  // 0: fine
  std::string detail;
  PartitionId partition;
  HolderLists lists;
  std::vector<HolderAddress> holders;
};

struct MeshRequest {  // what a client must know before its first name
  OperationId operation;
};
struct MeshAnswer {
  OperationId operation;
  MeshId mesh;  // all zero: this node belongs to no mesh yet
  NodeId node;
  std::uint32_t partition_bits = 0;
  std::uint64_t placement_key = 0;
  std::uint32_t replicas = 0;
  std::uint32_t write_quorum = 0;
  std::vector<HolderAddress> members;
};

struct PutRequest {
  OperationId operation;
  RequestId request;
  StreamId stream;  // on which the client will send the chunks
  std::string name;
  std::optional<std::uint64_t> size;  // not known when it comes from a pipe
  std::vector<Tag> tags;
  bool if_absent = false;
  bool wait_all = false;
  std::uint32_t deadline_ms = 120'000;
};
struct PutReady {  // start sending; chunks as credit allows
  OperationId operation;
  std::uint32_t credit = 0;
};
/// The end of every write: put, tag, copy, delete.
struct WriteDone {
  OperationId operation;
  ErrorCode code{};  // 0: acknowledged
  std::string detail;
  Version version;
  Digest digest;
  std::uint64_t size = 0;
  MediaFacts media;
  std::uint32_t copies = 0;         // durable now
  std::uint32_t copies_wanted = 0;  // of the target set
  std::vector<NodeId> holders;      // that have it durably
  bool stored = true;               // false: --if-absent found one
  std::uint32_t retry_after_ms = 0;
};

struct LookupRequest {
  OperationId operation;
  std::string name;
  bool strict = false;  // refuse an answer that no read quorum confirms
};
struct LookupAnswer {
  OperationId operation;
  ErrorCode code{};
  std::string detail;
  ImageRecord record;
  bool confirmed = true;
  PartitionId partition;
  HolderLists lists;
  std::vector<HolderAddress> holders;  // that have this version now, nearest first
};

struct RemoveRequest {
  OperationId operation;
  RequestId request;
  std::string name;
};
struct TagRequest {
  OperationId operation;
  RequestId request;
  std::string name;
  std::vector<Tag> changes;  // an empty value removes the key
};
/// Gives `source`'s bytes a second name; the new holders fetch them from the old ones.
struct CopyRequest {
  OperationId operation;
  RequestId request;
  std::string name;  // the new one
  ImageRecord source;
  std::vector<NodeId> source_holders;
};

/// The members that share the answering of one question, and the placement of who asks them.
struct MembersAsked {
  Epoch epoch;
  std::vector<NodeId> nodes;  // by id
};
struct ListRequest {
  OperationId operation;
  std::string prefix;
  std::string after;  // a full name; names up to it are left out
  std::uint32_t limit = page_entries_max;
  std::vector<Tag> tags;  // only images that carry all of them
  std::optional<MembersAsked>
      among;  // a member asks: for what is on one's own disks, tombstones too
};
struct ListEntry {
  std::string name;
  Version version;
  Digest digest;
  std::uint64_t size = 0;
  MediaFacts media;
  std::vector<Tag> tags;
  bool tombstone = false;
};
struct ListAnswer {
  OperationId operation;
  ErrorCode code{};
  std::string detail;
  std::vector<ListEntry> entries;
  bool complete = true;  // false: some partition had no read quorum among the living
  bool more = false;     // ask again after the last entry
};

// --- Between holders -----------------------------------------------------------------------------

struct ListsRequest {
  OperationId operation;
  PartitionId partition;
};
struct ListsAnswer {
  OperationId operation;
  PartitionId partition;
  HolderLists lists;
  Epoch epoch;  // of the placement that who answers uses
};

struct VersionRequest {
  OperationId operation;
  PartitionId partition;
  NameDigest name;
  HolderLists lists;
  std::optional<RequestId> request;  // was this wish carried out before?
  std::uint32_t round = 0;           // of this operation's questions; the answer has it too
  std::optional<Version> version;    // that a writer has taken, to give it to what it writes
};
struct VersionAnswer {
  OperationId operation;
  ErrorCode code{};  // 0, stale (then `lists` says what this holder has), failed
  HolderLists lists;
  std::optional<ImageRecord> record;
  std::optional<Version> request_version;
  std::uint64_t collected = 0;  // see collected.h: a new version must be above
  std::uint32_t round = 0;
  Version floor;  // that other writers have taken; see version_floors.h
};

struct StoreOpen {  // get ready to receive a new file
  OperationId operation;
  StreamId stream;
  PartitionId partition;
  std::uint64_t size = 0;  // bytes to come; 0: not known
};
struct StoreReady {
  OperationId operation;
  ErrorCode code{};
  std::string detail;
  std::uint32_t credit = 0;
};
struct StoreFinished {  // every byte is durable in a temp file that has no name yet
  OperationId operation;
  ErrorCode code{};
  std::string detail;
  std::uint64_t size = 0;
  Digest digest;
  MediaFacts media;
};

/// What a client wished for, and the version it was given, for a client that says it again.
struct RememberedWish {
  RequestId request;
  Version version;
  bool operator==(const RememberedWish&) const = default;
};
struct CommitRequest {
  OperationId operation;
  PartitionId partition;
  ImageRecord record;
  HolderLists lists;
  std::optional<StreamId> stream;  // the bytes came on this stream; else they are here or fetched
  std::vector<NodeId> sources;     // who can give them
  PartitionId source_partition;    // under which those hold them
  /// Of a name's first version: the coordinator's wall clock when it gave it, which the holders
  /// judge. Of all others 0: whatever has a predecessor is ordered by that.
  std::uint64_t first_at_micros = 0;
  std::optional<RememberedWish> overtaken;  // by `record`: remember it as well
};
struct CommitAnswer {
  OperationId operation;
  CommitCode code = CommitCode::failed;
  HolderLists lists;  // those the holder judged by; when stale, its own
  std::string detail;
};
struct StoreDrop {  // the upload came to nothing
  StreamId stream;
};

struct InventoryRequest {  // every record of one partition, a page at a time
  OperationId operation;
  PartitionId partition;
  std::optional<NameDigest> after;
  std::optional<HolderLists> lists;  // answer only if yours are the same
};
struct InventoryAnswer {
  OperationId operation;
  ErrorCode code{};  // failed: the disk, or the copy is recovering and who asks is not; stale:
                     // other lists, or not a holder and nothing whole is here
  std::vector<ImageRecord> records;
  bool complete = true;
  bool recovering = false;      // there may have been more
  bool joining = false;         // there may be too much: what others have deleted and forgotten
  std::uint64_t collected = 0;  // see collected.h
};

struct WishesRequest {  // all that you remember of one partition, a page at a time
  OperationId operation;
  PartitionId partition;
  std::optional<RequestId> after;
};
struct WishesAnswer {  // in order of request
  OperationId operation;
  ErrorCode code{};  // failed: the disk
  std::vector<RememberedWish> wishes;
  bool complete = true;
};

struct Fingerprint {
  PartitionId partition;
  std::uint64_t sum = 0;
  std::uint64_t lists = 0;  // XXH3-64 of the lists that yours must equal too; 0: whatever yours are
};
struct FingerprintRequest {  // which of these partitions differ from mine?
  OperationId operation;
  std::vector<Fingerprint> mine;
  std::uint64_t round = 0;  // comes back with the answer
  /// Instead of `mine`: a sum over each block of partitions (shared_sums.h), of those that both
  /// sides hold.
  std::vector<std::uint64_t> blocks;
};
struct FingerprintAnswer {
  OperationId operation;
  std::vector<PartitionId> different;
  std::uint64_t round = 0;
  std::vector<std::uint32_t> blocks;  // those that differ: say what you have there
};

/// "I have persisted these lists." Sent by settled members to every target member until it is
/// acknowledged. Sets are named once and entries point at them.
struct ListsAnnounced {
  Epoch epoch;
  std::vector<HolderSet> sets;
  struct Entry {
    PartitionId partition;
    std::uint64_t number = 0;
    std::uint32_t settled = 0;  // index into sets
    std::uint32_t target = 0;
    std::vector<std::uint32_t> earlier;
  };
  std::vector<Entry> entries;
  std::uint64_t round = 0;  // later announcements of one node have greater ones
};
/// The target member's answer: entries it took note of (their target list is its own).
struct AnnounceNoted {
  Epoch epoch;
  std::vector<PartitionId> partitions;
  std::uint64_t round = 0;     // of the announcement
  bool without_lists = false;  // it says of these that neither the announcer nor it knows any
};
/// A target member has everything its partition's settled set had. To the collector.
struct SyncConfirmed {
  struct Entry {
    PartitionId partition;
    std::uint64_t number = 0;
  };
  Epoch epoch;
  std::vector<Entry> entries;
};
enum class SettleStep : std::uint8_t { prepare = 1, prepared = 2, settle = 3, settled = 4 };
/// The two steps by which the target set becomes the settled set `number`.
struct Settle {
  SettleStep step = SettleStep::prepare;
  Epoch epoch;
  std::vector<SyncConfirmed::Entry> entries;
};

/// The two steps by which the holders of settled partitions forget old tombstones: first all of
/// them raise the collected clock, then each drops what is no later. Answered by CollectAnswer.
enum class CollectStep : std::uint8_t { raise = 1, drop = 2 };
struct CollectRequest {
  OperationId operation;
  CollectStep step = CollectStep::raise;
  struct Entry {
    PartitionId partition;
    std::uint64_t lists = 0;  // XXH3-64 of the lists that the holder's own must equal
    std::uint64_t clock = 0;
  };
  std::vector<Entry> entries;
};
struct CollectAnswer {  // the first step is durable for these
  OperationId operation;
  std::vector<PartitionId> partitions;
};

struct HintOffer {  // "you were away; these partitions changed"
  Epoch epoch;      // under another one the two may disagree about who holds them
  std::vector<PartitionId> partitions;
  std::uint64_t round = 0;  // later offers of one giver have greater ones; see offer_round
};
struct HintTaken {  // these are as they were at the giver in that round, or no longer the sender's
  std::vector<PartitionId> partitions;
  std::uint64_t round = 0;
};
/// The round of an offer made at `now` by its giver, whose clock alone it means something to.
[[nodiscard]] inline std::uint64_t offer_round(Instant now) {
  return static_cast<std::uint64_t>(now.time_since_epoch() / 1us);
}

using AnyPeerMessage =
    std::variant<RowRequest, RowAnswer, MeshRequest, MeshAnswer, PutRequest, PutReady, WriteDone,
                 LookupRequest, LookupAnswer, RemoveRequest, TagRequest, CopyRequest, ListRequest,
                 ListAnswer, ListsRequest, ListsAnswer, VersionRequest, VersionAnswer, StoreOpen,
                 StoreReady, StoreFinished, CommitRequest, CommitAnswer, StoreDrop,
                 InventoryRequest, InventoryAnswer, WishesRequest, WishesAnswer, FingerprintRequest,
                 FingerprintAnswer, ListsAnnounced, AnnounceNoted, SyncConfirmed, Settle, HintOffer,
                 HintTaken, CollectRequest, CollectAnswer>;
/// A variant whose copying, moving and ending are compiled once: in every unit they cost seconds.
struct PeerMessage : AnyPeerMessage {
  template <AlternativeOf<AnyPeerMessage> T>
  PeerMessage(T&& message)
      : AnyPeerMessage(std::in_place_type<std::remove_cvref_t<T>>, std::forward<T>(message)) {}
  PeerMessage();
  PeerMessage(const PeerMessage&);
  PeerMessage(PeerMessage&&) noexcept;
  PeerMessage& operator=(const PeerMessage&);
  PeerMessage& operator=(PeerMessage&&) noexcept;
  ~PeerMessage();
};

}  // namespace pixmesh
