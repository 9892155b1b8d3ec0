#include "replication/intake.h"

namespace pixmesh {

Intake::Intake(OperationId id, const StoreOpen& open, LinkId asker, IngressBudget& budget)
    : Operation(id), open_(open), asker_(asker), budget_(budget) {}

Effects Intake::start(Instant now) {
  slot_ = budget_.open();
  if (!slot_) {
    state_ = State::gone;
    return {Answer{
        asker_, StoreReady{open_.operation, ErrorCode::overloaded, "too many uploads at once", 0}}};
  }
  granted_ = budget_.window();
  idle_at_ = now + options_.idle_after;
  return {UseDisk{open_.partition, CreateTemp{temp(), true, open_.size}}};
}

Effects Intake::on_disk(Instant, const Result<DiskAnswer>& answer) {
  if (state_ == State::gone || state_ == State::complete) return {};
  if (!answer) return fail(answer.error());
  switch (state_) {
    case State::creating:
      state_ = State::receiving;
      return {Answer{asker_, StoreReady{open_.operation, {}, {}, granted_}}};
    case State::receiving:
      return on_written();
    case State::syncing:
      break;
    case State::complete:
    case State::gone:
      return {};
  }
  const auto* synced = std::get_if<Synced>(&answer.value());
  if (synced == nullptr) return {};
  state_ = State::complete;
  return {Answer{
      asker_, StoreFinished{open_.operation, {}, {}, synced->size, synced->digest, synced->media}}};
}

Effects Intake::on_written() {
  ++written_;
  if (last_seen_) {
    if (written_ < received_) return {};
    state_ = State::syncing;
    return {UseDisk{open_.partition, SyncTemp{temp()}}};
  }
  // The window may have shrunk since the last grant: give back only what still fits.
  const std::uint32_t allowed = written_ + budget_.window();
  if (allowed <= granted_) return {};
  const std::uint32_t more = allowed - granted_;
  granted_ = allowed;
  return {SendBulk{sender_, StreamCredit{open_.stream, more}, std::nullopt}};
}

Effects Intake::on_bulk(Instant now, const BulkEnd& from, const BulkMessage& message,
                        const std::optional<ChunkRef>& chunk) {
  if (state_ == State::gone) return {};
  if (std::holds_alternative<StreamEnd>(message)) return drop();
  const auto* piece = std::get_if<StreamChunk>(&message);
  if (piece == nullptr || !chunk || state_ != State::receiving) return {};
  return on_chunk(now, from, *piece, *chunk);
}

Effects Intake::on_chunk(Instant now, const BulkEnd& from, const StreamChunk& message,
                         const ChunkRef& chunk) {
  if (last_seen_ || message.index != received_ || received_ >= granted_) {
    return fail({ErrorCode::malformed, "a chunk came out of order or without credit"});
  }
  sender_ = from;
  ++received_;
  last_seen_ = message.last;
  idle_at_ = now + options_.idle_after;
  return {UseDisk{open_.partition, AppendChunk{temp(), chunk}}};
}

Effects Intake::fail(const Error& error) {
  const bool was_ready = state_ != State::creating;
  Effects effects = drop();
  if (was_ready) {
    effects.push_back(
        Answer{asker_, StoreFinished{open_.operation, error.code, error.detail, 0, {}, {}}});
  } else {
    effects.push_back(Answer{asker_, StoreReady{open_.operation, error.code, error.detail, 0}});
  }
  return effects;
}

Effects Intake::drop() {
  if (state_ == State::gone) return {};
  state_ = State::gone;
  return {UseDisk{open_.partition, DropTemp{temp()}, false}};
}

Effects Intake::on_deadline(Instant now) {
  if (!idle_at_ || now < *idle_at_) return {};
  return drop();
}

std::optional<TempId> Intake::take() {
  if (state_ != State::complete) return std::nullopt;
  state_ = State::gone;
  return temp();
}

}  // namespace pixmesh
