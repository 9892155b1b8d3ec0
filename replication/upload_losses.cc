// The part of Upload that leaves holders behind.
#include <algorithm>

#include "replication/upload.h"

namespace pixmesh {

bool Upload::any_sink(SinkState state) const {
  return std::any_of(sinks_.begin(), sinks_.end(),
                     [&](const auto& entry) { return entry.second.state == state; });
}

bool Upload::quorum_possible() const {
  std::vector<NodeId> open;
  for (const auto& [node, sink] : sinks_) {
    if (sink.state != SinkState::lost) open.push_back(node);
  }
  return Tally(lookup_.lists(), Tally::Kind::write).possible_with(open);
}

Effects Upload::lose(Instant now, NodeId node, Error why) {
  if (sinks_.at(node).state == SinkState::lost) return {};
  mark_lost(node, std::move(why));
  return after_loss(now);
}

Effects Upload::lose_all_opening(Instant now) {
  for (const auto& [node, sink] : sinks_) {
    if (sink.state != SinkState::opening) continue;
    mark_lost(node, {ErrorCode::unreachable, "it did not get ready"});
  }
  return after_loss(now);
}

void Upload::mark_lost(NodeId node, Error why) {
  Sink& sink = sinks_.at(node);
  sink.state = SinkState::lost;
  sink.lost_by = std::move(why);
  if (commit_) commit_->give_up_on(node);
}

/// Names all that were lost; full or busy ones tell what kind of failure it is.
Error Upload::lost_error() const {
  Error all{ErrorCode::unreachable, ""};
  for (const auto& [node, sink] : sinks_) {
    if (!sink.lost_by) continue;
    const ErrorCode code = sink.lost_by->code;
    if (code == ErrorCode::no_space || code == ErrorCode::overloaded) all.code = code;
    all.detail += (all.detail.empty() ? "holder " : "; holder ") + to_text(node) + ": " +
                  sink.lost_by->detail;
  }
  return all;
}

Effects Upload::after_loss(Instant now) {
  if (!answered_ && !quorum_possible()) {
    const Error lost = lost_error();
    return fail(lost.code, lost.detail);
  }
  Effects effects = grant_client();
  append(effects, begin_streaming(now));
  append(effects, after_commit(now));
  return effects;
}

}  // namespace pixmesh
