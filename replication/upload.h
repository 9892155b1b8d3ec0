#pragma once

#include <map>

#include "replication/commit_round.h"
#include "replication/lookup.h"
#include "replication/operation.h"

namespace pixmesh {

/// One upload at its coordinator.
///
///   client --chunks--> coordinator --the same chunks--> every living holder (itself among them)
///   meanwhile: which version is current? (read quorum)
///   all bytes durable at a holder + version known -> commit there; W durable in both sets ->
///   receipt
///
/// The client gets the credit of the slowest holder, so a chunk is never kept: it is passed on in
/// the event that brought it. A holder that stalls or falls silent is left behind with a hint.
/// The copies beyond W are made after the receipt.
class Upload : public Operation {
 public:
  struct Options {
    Duration ready_timeout = 2s;  // for a holder to say it is ready
    Duration stall_after = 5s;    // without credit from a holder that owes some
    Duration idle_after = 20s;    // without a chunk from a client that has credit
    Duration finish_after = 60s;  // after the last chunk, for holders to be durable
    Duration longest = 8min;  // it is ordered by its beginning: less than tombstones are kept for
  };
  /// @param lists  what we know of the partition; at least its target set
  Upload(OperationId id, const MeshView& mesh, PutRequest request, PartitionId partition,
         HolderLists lists, LinkId client);

  Effects start(Instant now) override;
  Effects on_message(Instant now, NodeId from, const PeerMessage& message) override;
  Effects on_bulk(Instant now, const BulkEnd& from, const BulkMessage& message,
                  const std::optional<ChunkRef>& chunk) override;
  Effects on_member_down(Instant now, NodeId member) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override;
  bool finished() const override { return phase_ == Phase::over; }
  std::optional<RequestId> wish() const override;
  Effects give_way() override;
  std::optional<StreamId> receives() const override { return request_.stream; }
  std::optional<StreamId> sends() const override { return sink_stream_; }

 private:
  enum class Phase { looking, opening, streaming, finishing, over };
  enum class SinkState { opening, receiving, complete, committing, lost };
  struct Sink {
    SinkState state = SinkState::opening;
    std::uint32_t granted = 0;  // chunks it allowed in all
    Instant heard_at;
    std::optional<Error> lost_by;
  };

  [[nodiscard]] Effects open_sinks(Instant now);
  [[nodiscard]] Effects on_ready(Instant now, NodeId from, const StoreReady& ready);
  [[nodiscard]] Effects on_chunk(Instant now, const BulkEnd& from, const StreamChunk& message,
                                 const ChunkRef& chunk);
  [[nodiscard]] Effects on_credit(Instant now, const BulkEnd& from, const StreamCredit& credit);
  [[nodiscard]] Effects on_stored(Instant now, NodeId from, const StoreFinished& stored);
  [[nodiscard]] Effects on_lookup(Instant now);
  [[nodiscard]] Effects lose(Instant now, NodeId sink, Error why);
  [[nodiscard]] Effects lose_all_opening(Instant now);
  void mark_lost(NodeId node, Error why);
  [[nodiscard]] Effects after_loss(Instant now);
  [[nodiscard]] Error lost_error() const;
  [[nodiscard]] Effects grant_client();
  [[nodiscard]] Effects begin_streaming(Instant now);
  [[nodiscard]] Effects commit_complete_sinks(Instant now);
  [[nodiscard]] Effects assign_version(Instant now);
  [[nodiscard]] Effects after_commit(Instant now);
  [[nodiscard]] Effects fail(ErrorCode code, const std::string& detail);
  [[nodiscard]] Effects finish();
  [[nodiscard]] Effects answer_client(const WriteDone& done);
  [[nodiscard]] bool quorum_possible() const;
  [[nodiscard]] bool any_sink(SinkState state) const;

  const MeshView& mesh_;
  PutRequest request_;
  PartitionId partition_;
  LinkId client_;
  Options options_;
  Phase phase_ = Phase::looking;
  Lookup lookup_;
  std::optional<CommitRound> commit_;
  StreamId sink_stream_;
  std::map<NodeId, Sink> sinks_;
  std::optional<BulkEnd> sender_;
  ImageRecord record_;
  std::optional<Digest> digest_before_;  // of what an earlier try of this wish stored
  bool version_known_ = false;
  bool bytes_known_ = false;  // digest and media facts
  bool answered_ = false;
  std::uint32_t client_granted_ = 0;
  std::uint32_t chunk_count_ = 0;
  bool last_seen_ = false;
  Instant deadline_;  // of the whole
  Instant phase_deadline_;
};

}  // namespace pixmesh
