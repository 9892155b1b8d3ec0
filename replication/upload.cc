#include "replication/upload.h"

#include <algorithm>

#include "base/digest.h"

namespace pixmesh {
namespace {

constexpr const char* size_text = "the image is over 64 GiB";

StreamId sink_stream_of(StreamId client) {
  client.raw.back() ^= 0xff;
  return client;
}

}  // namespace

Upload::Upload(OperationId id, const MeshView& mesh, PutRequest request, PartitionId partition,
               HolderLists lists, LinkId client)
    : Operation(id),
      mesh_(mesh),
      request_(std::move(request)),
      partition_(partition),
      client_(client),
      lookup_(id, mesh, partition, name_digest_of(request_.name), request_.request,
              std::move(lists)),
      sink_stream_(sink_stream_of(request_.stream)) {
  record_.name = request_.name;
  record_.request = request_.request;
  record_.tags = merged_tags({}, request_.tags);
}

Effects Upload::start(Instant now) {
  const Duration wished = std::chrono::milliseconds(request_.deadline_ms);
  deadline_ = now + std::min(wished, options_.longest);
  phase_deadline_ = deadline_;
  // Disks reserve what is announced.
  if (request_.size.value_or(0) > image_bytes_max) return fail(ErrorCode::usage, size_text);
  Effects effects = lookup_.start(now);
  // When the lists are known already, the holders get ready while the version is looked up.
  if (lookup_.lists().known()) append(effects, open_sinks(now));
  append(effects, on_lookup(now));
  return effects;
}

Effects Upload::open_sinks(Instant now) {
  if (phase_ != Phase::looking) return {};
  phase_ = Phase::opening;
  phase_deadline_ = now + options_.ready_timeout;
  commit_.emplace(id(), mesh_, partition_, lookup_.lists());
  Effects effects;
  for (const NodeId& node : holders_of(lookup_.lists())) {
    if (!mesh_.is_alive(node)) continue;
    sinks_[node] = {SinkState::opening, 0, now};
    effects.push_back(
        Ask{node, StoreOpen{id(), sink_stream_, partition_, request_.size.value_or(0)}});
  }
  if (!quorum_possible())
    return fail(ErrorCode::unreachable, write_quorum_text(mesh_, lookup_.lists()));
  return effects;
}

Effects Upload::on_message(Instant now, NodeId from, const PeerMessage& message) {
  if (finished()) return {};
  if (const auto* ready = std::get_if<StoreReady>(&message)) return on_ready(now, from, *ready);
  if (const auto* stored = std::get_if<StoreFinished>(&message)) {
    return on_stored(now, from, *stored);
  }
  if (const auto* answer = std::get_if<CommitAnswer>(&message)) {
    if (!commit_) return {};
    Effects effects = commit_->on_answer(now, from, *answer);
    append(effects, after_commit(now));
    return effects;
  }
  Effects effects = lookup_.on_message(now, from, message);
  append(effects, on_lookup(now));
  return effects;
}

Effects Upload::on_lookup(Instant now) {
  if (finished()) return {};
  if (!lookup_.done()) return {};
  const LookupOutcome& found = lookup_.outcome();
  if (found.code != ErrorCode{} || !found.confirmed) {
    return fail(ErrorCode::unreachable, write_quorum_text(mesh_, found.lists));
  }
  const bool exists = found.record && !found.record->tombstone;
  const bool made_before = exists && found.record->request == request_.request;
  const bool refused = exists && request_.if_absent && !found.request_version;
  if (refused || (made_before && lookup_.is_acknowledged())) {
    WriteDone done = found.as_receipt();
    done.stored = made_before;
    Effects effects = answer_client(done);
    append(effects, finish());
    return effects;
  }
  if (made_before) digest_before_ = found.record->digest;
  Effects effects;
  if (phase_ == Phase::looking) append(effects, open_sinks(now));
  if (!version_known_ && !finished()) append(effects, assign_version(now));
  return effects;
}

Effects Upload::assign_version(Instant now) {
  std::optional<Version> version = lookup_.version_of_earlier_try();
  if (!version) {
    if (const auto refusal = mesh_.clock_refusal()) return fail(ErrorCode::unreachable, *refusal);
    version = lookup_.fresh_version();
  }
  if (!version) {
    Effects effects = lookup_.again(now);
    append(effects, on_lookup(now));
    return effects;
  }
  record_.version = *version;
  version_known_ = true;
  if (commit_) {
    commit_->set_first_at(lookup_.first_at());
    commit_->set_overtaken(lookup_.wish_found());
  }
  return commit_complete_sinks(now);
}

Effects Upload::on_ready(Instant now, NodeId from, const StoreReady& ready) {
  const auto sink = sinks_.find(from);
  if (sink == sinks_.end() || sink->second.state != SinkState::opening) return {};
  if (ready.code != ErrorCode{}) {
    Effects effects = lose(now, from, {ready.code, ready.detail});
    if (finished()) return effects;
    append(effects, begin_streaming(now));
    return effects;
  }
  sink->second.state = SinkState::receiving;
  sink->second.granted = ready.credit;
  sink->second.heard_at = now;
  return begin_streaming(now);
}

Effects Upload::begin_streaming(Instant now) {
  if (phase_ != Phase::opening || any_sink(SinkState::opening)) return {};
  phase_ = Phase::streaming;
  phase_deadline_ = now + options_.idle_after;
  std::uint32_t credit = ~0U;
  for (const auto& [node, sink] : sinks_) {
    if (sink.state == SinkState::receiving) credit = std::min(credit, sink.granted);
  }
  client_granted_ = credit;
  return {Answer{client_, PutReady{request_.operation, credit}}};
}

Effects Upload::on_bulk(Instant now, const BulkEnd& from, const BulkMessage& message,
                        const std::optional<ChunkRef>& chunk) {
  if (finished()) return {};
  if (const auto* piece = std::get_if<StreamChunk>(&message)) {
    if (chunk && piece->stream == request_.stream) return on_chunk(now, from, *piece, *chunk);
  } else if (const auto* credit = std::get_if<StreamCredit>(&message)) {
    return on_credit(now, from, *credit);
  } else if (const auto* end = std::get_if<StreamEnd>(&message)) {
    if (end->stream == request_.stream && !answered_ && !last_seen_) {
      return fail(ErrorCode::failed, "the client gave up: " + end->detail);
    }
  }
  return {};
}

Effects Upload::on_chunk(Instant now, const BulkEnd& from, const StreamChunk& message,
                         const ChunkRef& chunk) {
  const bool in_order = message.index == chunk_count_ && chunk_count_ < client_granted_ &&
                        !last_seen_ && (message.last || chunk.size == chunk_bytes_max);
  if (phase_ != Phase::streaming || !in_order || chunk.size == 0) {
    return fail(ErrorCode::malformed, "a chunk came out of order or without credit");
  }
  sender_ = from;
  ++chunk_count_;
  last_seen_ = message.last;
  record_.size += chunk.size;
  record_.checksums.push_back(chunk.checksum);
  if (record_.size > image_bytes_max) return fail(ErrorCode::usage, size_text);
  Effects effects;
  for (const auto& [node, sink] : sinks_) {
    if (sink.state != SinkState::receiving) continue;
    effects.push_back(
        SendBulk{node, StreamChunk{sink_stream_, message.index, message.last}, chunk});
  }
  phase_deadline_ = now + options_.idle_after;
  if (last_seen_) {
    phase_ = Phase::finishing;
    phase_deadline_ = now + options_.finish_after;
    if (request_.size && *request_.size != record_.size) {
      return fail(ErrorCode::corrupt, "the stream had another size than announced");
    }
  }
  return effects;
}

Effects Upload::on_credit(Instant now, const BulkEnd& from, const StreamCredit& credit) {
  const auto* node = std::get_if<NodeId>(&from);
  if (node == nullptr) return {};
  const auto sink = sinks_.find(*node);
  if (sink == sinks_.end()) return {};
  sink->second.granted += credit.count;
  sink->second.heard_at = now;
  return grant_client();
}

Effects Upload::grant_client() {
  if (phase_ != Phase::streaming || !sender_) return {};
  std::uint32_t allowed = ~0U;
  for (const auto& [node, sink] : sinks_) {
    if (sink.state == SinkState::receiving) allowed = std::min(allowed, sink.granted);
  }
  if (allowed == ~0U || allowed <= client_granted_) return {};
  const std::uint32_t more = allowed - client_granted_;
  client_granted_ = allowed;
  return {SendBulk{*sender_, StreamCredit{request_.stream, more}, std::nullopt}};
}

Effects Upload::on_stored(Instant now, NodeId from, const StoreFinished& stored) {
  const auto sink = sinks_.find(from);
  if (sink == sinks_.end() || sink->second.state != SinkState::receiving) return {};
  if (stored.code != ErrorCode{}) return lose(now, from, {stored.code, stored.detail});
  const bool same_bytes =
      stored.size == record_.size && (!bytes_known_ || stored.digest == record_.digest);
  if (!same_bytes) return lose(now, from, {ErrorCode::corrupt, "it stored other bytes"});
  sink->second.state = SinkState::complete;
  sink->second.heard_at = now;
  if (!bytes_known_) {  // one version, one record: all are offered what the first one found
    record_.digest = stored.digest;
    record_.media = stored.media;
    bytes_known_ = true;
  }
  return commit_complete_sinks(now);
}

Effects Upload::commit_complete_sinks(Instant now) {
  if (!version_known_ || !bytes_known_ || !commit_) return {};
  if (digest_before_ && *digest_before_ != record_.digest) {  // one version, one content
    return fail(ErrorCode::failed, "the file changed between two tries of this upload");
  }
  commit_->set_record(record_);
  Effects effects;
  for (auto& [node, sink] : sinks_) {
    if (sink.state != SinkState::complete) continue;
    sink.state = SinkState::committing;
    append(effects, commit_->offer(node, sink_stream_));
  }
  append(effects, after_commit(now));
  return effects;
}

Effects Upload::after_commit(Instant) {
  if (finished() || !commit_ || !bytes_known_) return {};
  Effects effects;
  const bool receiving = any_sink(SinkState::receiving) || any_sink(SinkState::complete);
  const bool resolved = !receiving && !commit_->waiting();
  if (commit_->acknowledged()) {
    if (!answered_ && (!request_.wait_all || resolved)) {
      append(effects, answer_client(commit_->receipt(request_.operation)));
    }
  } else if (resolved || !commit_->possible()) {
    const Error why = commit_->failure();
    return fail(why.code, why.detail);
  }
  if (resolved) append(effects, finish());
  return effects;
}

std::optional<RequestId> Upload::wish() const {
  return answered_ ? std::nullopt : std::optional(request_.request);
}

Effects Upload::give_way() {
  if (answered_ || any_sink(SinkState::committing)) return {};
  return fail(ErrorCode::unreachable, said_again_text);
}

Effects Upload::on_member_down(Instant now, NodeId member) {
  if (finished()) return {};
  Effects effects = lookup_.on_member_down(now, member);
  append(effects, on_lookup(now));
  if (finished() || !sinks_.contains(member)) return effects;
  append(effects, lose(now, member, {ErrorCode::unreachable, "it fell silent"}));
  return effects;
}

Effects Upload::on_deadline(Instant now) {
  if (finished()) return {};
  Effects effects = lookup_.on_deadline(now);
  append(effects, on_lookup(now));
  if (finished()) return effects;
  if (commit_) append(effects, commit_->on_deadline(now));
  for (auto& [node, sink] : sinks_) {
    const bool owes = (sink.state == SinkState::receiving && sink.granted <= chunk_count_);
    if (finished() || !owes || now < sink.heard_at + options_.stall_after) continue;
    append(effects, lose(now, node, {ErrorCode::unreachable, "it stopped taking chunks"}));
  }
  if (finished()) return effects;
  if (now >= phase_deadline_ && phase_ == Phase::opening) {
    append(effects, lose_all_opening(now));
    return effects;
  }
  if (now >= phase_deadline_ || now >= deadline_) {
    if (answered_) {
      append(effects, finish());
    } else {
      append(effects, fail(ErrorCode::timed_out, phase_ == Phase::streaming
                                                     ? "the client sent nothing for too long"
                                                     : "the holders did not answer in time"));
    }
  }
  return effects;
}

std::optional<Instant> Upload::next_deadline() const {
  if (finished()) return std::nullopt;
  Instant first = std::min(deadline_, phase_deadline_);
  const auto earlier = [&](const std::optional<Instant>& at) {
    if (at) first = std::min(first, *at);
  };
  earlier(lookup_.next_deadline());
  if (commit_) earlier(commit_->next_deadline());
  for (const auto& [node, sink] : sinks_) {
    if (sink.state == SinkState::receiving && sink.granted <= chunk_count_) {
      earlier(sink.heard_at + options_.stall_after);
    }
  }
  return first;
}

Effects Upload::fail(ErrorCode code, const std::string& detail) {
  WriteDone done;
  done.code = code;
  done.detail = detail;
  if (code == ErrorCode::overloaded) done.retry_after_ms = 500;
  Effects effects;
  if (!answered_) append(effects, answer_client(done));
  append(effects, finish());
  return effects;
}

Effects Upload::answer_client(const WriteDone& done) {
  answered_ = true;
  WriteDone answer = done;
  answer.operation = request_.operation;
  return {Answer{client_, answer}};
}

Effects Upload::finish() {
  phase_ = Phase::over;
  Effects effects;
  const bool stored = commit_ && commit_->acknowledged();
  for (const auto& [node, sink] : sinks_) {
    const bool has_temp = sink.state != SinkState::committing;
    if (has_temp) effects.push_back(Ask{node, StoreDrop{sink_stream_}});
  }
  if (stored) {
    for (const NodeId& node : commit_->missing()) {
      effects.push_back(RememberHint{node, partition_});
    }
  }
  return effects;
}

}  // namespace pixmesh
