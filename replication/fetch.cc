#include "replication/fetch.h"

#include <algorithm>

namespace pixmesh {

Fetch::Fetch(const MeshView& mesh, PartitionId partition, PartitionId source_partition,
             const ImageRecord& record, std::vector<NodeId> sources, TempId temp)
    : Fetch(mesh, partition, source_partition, record, std::move(sources), temp, Options{}) {}

Fetch::Fetch(const MeshView& mesh, PartitionId partition, PartitionId source_partition,
             const ImageRecord& record, std::vector<NodeId> sources, TempId temp, Options options)
    : mesh_(mesh),
      partition_(partition),
      source_partition_(source_partition),
      record_(record),
      sources_(std::move(sources)),
      temp_(temp),
      options_(options) {}

Effects Fetch::start(Instant) {
  return {UseDisk{partition_, CreateTemp{temp_, options_.check_digest, record_.size}}};
}

Effects Fetch::ask_next(Instant now) {
  PartitionId where = source_partition_;
  if (!options_.own_disks.empty()) {  // a stream to ourselves, like any other
    where = options_.own_disks.back();
    options_.own_disks.pop_back();
    source_ = mesh_.self;
  } else {
    while (!sources_.empty() && !mesh_.is_alive(sources_.front())) sources_.erase(sources_.begin());
    if (sources_.empty()) {
      return fail(detail_.empty() ? "no living holder can give the bytes" : detail_);
    }
    source_ = sources_.front();
    sources_.erase(sources_.begin());
  }
  stream_ = mesh_.fresh_stream();
  stall_at_ = now + options_.stall_after;
  state_ = State::receiving;
  granted_ = next_chunk_ + window(now);
  grant_at_.reset();
  // What an earlier source gave is kept: every chunk was checked before it was written.
  StreamOpen open{*stream_,      window(now),  std::nullopt,      where,      record_.digest,
                  record_.media, record_.size, record_.checksums, next_chunk_};
  return {SendBulk{source_, open, std::nullopt}};
}

std::uint32_t Fetch::window(Instant now) const {
  const bool rests = options_.slot != nullptr && options_.slot->rests(now);
  return rests ? std::min(options_.credit, 1U) : options_.credit;
}

Effects Fetch::go_on(Instant now) {
  grant_at_.reset();
  if (options_.slot != nullptr && !options_.slot->may_go_on(now)) {
    grant_at_ = options_.slot->look_again_at(now);
    return {};
  }
  const std::uint32_t allowed = written_count_ + window(now);
  if (allowed <= granted_) return {};
  const std::uint32_t more = allowed - granted_;
  granted_ = allowed;
  stall_at_ = now + options_.stall_after;
  return {SendBulk{source_, StreamCredit{*stream_, more}, std::nullopt}};
}

Effects Fetch::leave_source(Instant now, std::string why) {
  detail_ = std::move(why);
  Effects effects{SendBulk{source_, StreamEnd{*stream_, ErrorCode::failed, detail_}, std::nullopt}};
  append(effects, ask_next(now));
  return effects;
}

Effects Fetch::fail(std::string why) {
  state_ = State::draining;  // the answers to chunks already handed over must not reach others
  detail_ = std::move(why);
  stall_at_.reset();
  grant_at_.reset();
  return drained();
}

Effects Fetch::drained() {
  if (written_count_ < next_chunk_) return {};
  state_ = State::failed;
  return {UseDisk{partition_, DropTemp{temp_}, false}};
}

Effects Fetch::on_bulk(Instant now, const BulkMessage& message,
                       const std::optional<ChunkRef>& chunk) {
  if (state_ != State::receiving) return {};
  if (const auto* end = std::get_if<StreamEnd>(&message)) {
    if (end->stream != stream_) return {};
    const bool has_none = end->lost || end->code == ErrorCode::not_found;
    if (has_none) without_bytes_.push_back(source_);
    return leave_source(now, end->detail);
  }
  const auto* piece = std::get_if<StreamChunk>(&message);
  if (piece == nullptr || piece->stream != stream_ || !chunk) return {};
  return on_chunk(now, *piece, *chunk);
}

Effects Fetch::on_chunk(Instant now, const StreamChunk& message, const ChunkRef& chunk) {
  const bool fits = message.index == next_chunk_ && next_chunk_ < record_.checksums.size() &&
                    chunk.size == chunk_size_of(record_.size, next_chunk_);
  if (!fits || chunk.checksum != record_.checksums[next_chunk_]) {
    return leave_source(now, "a chunk differs from the record");
  }
  ++next_chunk_;
  stall_at_ = now + options_.stall_after;
  return {UseDisk{partition_, AppendChunk{temp_, chunk}}};
}

Effects Fetch::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  if (done()) return {};
  if (state_ == State::creating) {
    if (!answer) return fail(answer.error().detail);
    return record_.checksums.empty() ? fail("the record names no chunks") : ask_next(now);
  }
  if (state_ == State::syncing) {
    if (!answer) return fail(answer.error().detail);
    const auto* synced = std::get_if<Synced>(&answer.value());
    const bool checked = synced != nullptr && synced->digest == record_.digest;
    if (options_.check_digest && !checked) return fail("the bytes do not have their digest");
    state_ = State::done;
    return {};
  }
  ++written_count_;
  if (state_ == State::draining) return drained();
  if (!answer) return fail(answer.error().detail);
  if (written_count_ == record_.checksums.size()) {
    state_ = State::syncing;
    stall_at_.reset();
    grant_at_.reset();
    return {UseDisk{partition_, SyncTemp{temp_}}};
  }
  if (state_ != State::receiving) return {};
  if (options_.slot != nullptr) options_.slot->note_part(now);
  return go_on(now);
}

Effects Fetch::on_deadline(Instant now) {
  if (grant_at_) return now >= *grant_at_ && state_ == State::receiving ? go_on(now) : Effects{};
  if (!stall_at_ || now < *stall_at_ || state_ != State::receiving) return {};
  return leave_source(now, "the holder stopped sending");
}

std::optional<Instant> Fetch::next_deadline() const {
  if (done()) return std::nullopt;
  return grant_at_ ? grant_at_ : stall_at_;
}

}  // namespace pixmesh
