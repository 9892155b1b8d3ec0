#pragma once

#include "replication/admit.h"
#include "replication/chunk_check.h"
#include "replication/fetch.h"
#include "replication/ingress_budget.h"
#include "replication/operation.h"

namespace pixmesh {

/// How bytes of a record's encoding are made; the format itself is wire's.
struct RecordCodec {
  std::function<Bytes(const ImageRecord&)> encode_record;
  std::function<Result<ImageRecord>(ByteView)> decode_record;
  std::function<Bytes(const HolderLists&)> encode_lists;
  std::function<Result<HolderLists>(ByteView)> decode_lists;
  std::function<Bytes(const HolderSets&)> encode_sets;
  std::function<Result<HolderSets>(ByteView)> decode_sets;
};

/// The write order of one record on one disk. A part of an operation.
///
///   is a newer one here? -> the bytes (a synced temp file, a file already here, one on another
///      disk of this node, or fetched)
///   -> rename to the digest path -> record file -> fsync both folders -> index commit
///
/// Bytes that are here under another name are read whole before they count. Where they are damaged,
/// or were found so before, the version is stored with bytes of another holder, and the mark is
/// taken back. Where nobody gives them, the copy is suspected: a record here may name it.
/// A file with these bytes on another disk of this node is copied before other holders are asked.
///
/// A record whose bytes are lost, for all that may have them have read theirs and found them
/// damaged or gone, is stored without, and its digest is marked as damaged in the same transaction.
/// It was acknowledged: its new holders must know it to say that it is lost, and its partition must
/// not be kept from moving. Only who asks for it by `may_have_bytes` gets that.
///
/// A version older than what is here is not stored, but its wish is remembered like any other: a
/// client that says it again must get the same answer, not a new version.
///
/// Of a tombstone that is stored it says so (`NameRemoved`).
///
/// Nothing may be acknowledged before the last step: each step is durable before the next begins,
/// so a crash leaves at worst bytes without a record, which the next start sweeps away.
class StoreRecord {
 public:
  struct Bid {
    PartitionId partition;
    ImageRecord record;
    std::optional<HolderLists> fence;  // see admit()
    std::optional<TempId> temp;        // the synced bytes, if they came on a stream
    std::vector<NodeId> sources;       // else: who can give them, if they are not here
    PartitionId source_partition;
    IngressBudget* ingress = nullptr;  // what it fetches counts there; fails if that is used up
    std::optional<RememberedWish> overtaken;  // by the record: remembered as well
    CopySlot* slot = nullptr;                 // of what it fetches; outlives this
    std::vector<NodeId> may_have_bytes;  // all that may, by id: without any at these they are lost
  };
  /// @param temp_for_fetch  a number no other temp file of this node has
  StoreRecord(const MeshView& mesh, const RecordCodec& codec, Bid bid, TempId temp_for_fetch);

  [[nodiscard]] Effects start(Instant now);
  [[nodiscard]] Effects on_disk(Instant now, const Result<DiskAnswer>& answer);
  [[nodiscard]] Effects on_bulk(Instant now, const BulkMessage& message,
                                const std::optional<ChunkRef>& chunk);
  [[nodiscard]] Effects on_deadline(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  [[nodiscard]] bool done() const { return step_ == Step::done; }
  [[nodiscard]] CommitCode code() const { return code_; }
  [[nodiscard]] const std::string& detail() const { return detail_; }
  [[nodiscard]] const HolderLists& lists() const { return current_lists_; }  // when stale
  [[nodiscard]] std::uint64_t fetched_bytes() const { return fetched_bytes_; }
  [[nodiscard]] std::optional<StreamId> receives() const;

 private:
  enum class Step {
    find,
    look,
    search,
    fetch,
    publish,
    record,
    folders,
    commit,
    mend,
    remember,
    done
  };
  [[nodiscard]] Effects fail(const Error& error);
  [[nodiscard]] Effects on_found(Instant now, const StoredRecord& found);
  [[nodiscard]] Effects look_at_bytes(Instant now);
  [[nodiscard]] Effects on_looked(Instant now, const Result<DiskAnswer>& answer);
  [[nodiscard]] Effects search(Instant now);
  [[nodiscard]] Effects search_next(Instant now);
  [[nodiscard]] Effects on_searched(Instant now, bool is_there);
  [[nodiscard]] Effects fetch(Instant now);
  [[nodiscard]] Effects after_fetch();
  [[nodiscard]] bool are_bytes_lost() const;
  [[nodiscard]] Effects store_without_bytes();
  [[nodiscard]] Effects publish(TempId temp);
  [[nodiscard]] Effects write_record();
  [[nodiscard]] Effects commit();
  [[nodiscard]] std::vector<TableRow> wishes() const;
  [[nodiscard]] Effects remember(CommitCode code);
  [[nodiscard]] Effects finish(CommitCode code, std::string detail = {});
  [[nodiscard]] Effects on_committed(const CommitOutcome& outcome);
  [[nodiscard]] Effects after_commit();

  const MeshView& mesh_;
  const RecordCodec& codec_;
  Bid bid_;
  TempId temp_for_fetch_;
  std::string blob_path_;
  std::string record_path_;
  Step step_ = Step::find;
  bool damaged_ = false;     // the bytes here, as far as is known
  bool same_ = false;        // this version is here
  bool lost_ = false;        // nobody has the bytes
  bool had_them_ = false;    // under this name
  bool is_suspect_ = false;  // what is here is not what it was, and nothing has replaced it
  std::optional<ChunkCheck> bytes_here_;
  std::vector<PartitionId> unsearched_;  // other disks of this node
  std::vector<PartitionId> own_disks_;   // of them, those with a file of these bytes
  std::optional<IngressSlot> slot_;
  std::optional<Fetch> fetch_;
  CommitCode code_ = CommitCode::failed;
  HolderLists current_lists_;
  std::string detail_;
  std::uint64_t fetched_bytes_ = 0;
};

}  // namespace pixmesh
