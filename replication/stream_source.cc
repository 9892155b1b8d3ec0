#include "replication/stream_source.h"

#include <algorithm>

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
  if (problem_) return end_suspected(answer);
  if (!answer) return on_unreadable(answer.error());
  const auto* read = std::get_if<RangeRead>(&answer.value());
  if (read == nullptr) return end(ErrorCode::failed, "the disk answered something else");
  const std::uint32_t index = sent_++;
  const bool last = sent_ == chunk_count_;
  Effects effects{SendBulk{asker_, StreamChunk{open_.stream, index, last}, read->chunk}};
  append(effects, read_ahead());
  over_ = last;
  return effects;
}

Effects StreamSource::on_unreadable(const Error& error) {
  if (open_.run) return end(error.code, error.detail);
  problem_ = error;
  return {UseDisk{open_.partition, LoadTable{Table::damaged}}};
}

// One bad read proves nothing, nor does a mark. Both do: at another time all its bytes on the
// device were read, and were bad too.
Effects StreamSource::end_suspected(const Result<DiskAnswer>& marks) {
  const auto* table = marks ? std::get_if<TableRows>(&marks.value()) : nullptr;
  const Bytes mark = damaged_row(open_.digest, std::nullopt).key;
  const bool is_marked = table != nullptr && std::ranges::any_of(table->rows, [&](const auto& row) {
                           return row.first == mark;
                         });
  Effects effects =
      end(problem_->code, problem_->detail, is_marked && problem_->code == ErrorCode::corrupt);
  effects.push_back(SuspectBytes{open_.partition, open_.digest});
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

Effects StreamSource::end(ErrorCode code, std::string detail, bool lost) {
  over_ = true;
  return {SendBulk{asker_, StreamEnd{open_.stream, code, std::move(detail), lost}, std::nullopt}};
}

}  // namespace pixmesh
