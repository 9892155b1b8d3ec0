#pragma once

#include "replication/ingress_budget.h"
#include "replication/operation.h"

namespace pixmesh {

/// One file on its way into a temp file of this node. The bytes get a name by a later commit, which
/// takes the temp file over; without one they are dropped.
class Intake : public Operation {
 public:
  struct Options {
    Duration idle_after = 30s;  // neither chunk nor commit for that long: dropped
  };
  Intake(OperationId id, const StoreOpen& open, LinkId asker, IngressBudget& budget);

  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_bulk(Instant now, const BulkEnd& from, const BulkMessage& message,
                  const std::optional<ChunkRef>& chunk) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override { return idle_at_; }
  bool finished() const override { return state_ == State::gone; }
  std::optional<StreamId> receives() const override { return open_.stream; }

  /// Hands the synced file over to a commit; nothing if it is not complete.
  [[nodiscard]] std::optional<TempId> take();
  [[nodiscard]] Effects drop();

 private:
  enum class State { creating, receiving, syncing, complete, gone };
  [[nodiscard]] Effects on_chunk(Instant now, const BulkEnd& from, const StreamChunk& message,
                                 const ChunkRef& chunk);
  [[nodiscard]] Effects on_written();
  [[nodiscard]] Effects fail(const Error& error);
  [[nodiscard]] TempId temp() const { return TempId{id().raw}; }

  StoreOpen open_;
  LinkId asker_;
  IngressBudget& budget_;
  std::optional<IngressSlot> slot_;
  Options options_;
  State state_ = State::creating;
  BulkEnd sender_ = LinkId{};
  std::uint32_t granted_ = 0;   // chunks allowed in all
  std::uint32_t received_ = 0;  // chunks taken in
  std::uint32_t written_ = 0;   // chunks the disk confirmed
  bool last_seen_ = false;
  std::optional<Instant> idle_at_;
};

}  // namespace pixmesh
