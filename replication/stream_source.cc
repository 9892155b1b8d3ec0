#include "replication/stream_source.h"

namespace pixmesh {

StreamSource::StreamSource(OperationId id, StreamOpen open, std::string path, BulkEnd asker)
    : Operation(id),
      open_(std::move(open)),
      path_(std::move(path)),
      asker_(asker),
      chunk_count_(chunk_count_of(open_.size)),
      asked_(open_.first_chunk),
      sent_(open_.first_chunk),
      allowed_(open_.first_chunk + open_.credit) {}

Effects StreamSource::start(Instant now) {
  idle_at_ = now + options_.idle_after;
  const bool has_checksums = !open_.checksums.empty();
  if (open_.first_chunk >= chunk_count_ || open_.size > image_bytes_max ||
      (has_checksums && open_.checksums.size() != chunk_count_)) {
    return end(ErrorCode::malformed, "the stream asked for has no such chunks");
  }
  return read_ahead();
}

// One read at a time: chunks must go out in order, and readers may overtake each other.
Effects StreamSource::read_ahead() {
  if (over_ || asked_ > sent_ || asked_ >= allowed_ || asked_ >= chunk_count_) return {};
  ReadRange read{path_, std::uint64_t{asked_} * chunk_bytes_max, chunk_size_of(open_.size, asked_),
                 std::nullopt};
  if (!open_.checksums.empty()) read.checksum = open_.checksums[asked_];
  ++asked_;
  return {UseDisk{open_.partition, std::move(read)}};
}

Effects StreamSource::on_disk(Instant, const Result<DiskAnswer>& answer) {
  if (over_) return {};
  if (!answer) {
    Effects effects = end(answer.error().code, answer.error().detail);
    if (!open_.run) effects.push_back(SuspectBytes{open_.partition, open_.digest});
    return effects;
  }
  const auto* read = std::get_if<RangeRead>(&answer.value());
  if (read == nullptr) return end(ErrorCode::failed, "the disk answered something else");
  const std::uint32_t index = sent_++;
  const bool last = sent_ == chunk_count_;
  Effects effects{SendBulk{asker_, StreamChunk{open_.stream, index, last}, read->chunk}};
  append(effects, read_ahead());
  over_ = last;
  return effects;
}

Effects StreamSource::on_bulk(Instant now, const BulkEnd&, const BulkMessage& message,
                              const std::optional<ChunkRef>&) {
  if (const auto* credit = std::get_if<StreamCredit>(&message)) {
    allowed_ += credit->count;
    idle_at_ = now + options_.idle_after;
    return read_ahead();
  }
  if (std::holds_alternative<StreamEnd>(message)) over_ = true;
  return {};
}

Effects StreamSource::on_deadline(Instant now) {
  if (!over_ && now >= idle_at_) return end(ErrorCode::timed_out, "no credit for too long");
  return {};
}

Effects StreamSource::end(ErrorCode code, std::string detail) {
  over_ = true;
  return {SendBulk{asker_, StreamEnd{open_.stream, code, std::move(detail)}, std::nullopt}};
}

}  // namespace pixmesh
