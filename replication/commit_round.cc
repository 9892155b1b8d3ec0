#include "replication/commit_round.h"

#include <algorithm>

#include "replication/lookup.h"

namespace pixmesh {
namespace {

constexpr Duration retry_after = 60ms;  // the first time, then twice as long each time
constexpr Duration retry_after_max = 1s;

}  // namespace

CommitRound::CommitRound(OperationId id, const MeshView& mesh, PartitionId partition,
                         HolderLists lists)
    : id_(id),
      mesh_(mesh),
      partition_(partition),
      lists_(std::move(lists)),
      source_partition_(partition),
      tally_(lists_, Tally::Kind::write),
      retry_wait_(retry_after) {}

void CommitRound::set_sources(std::vector<NodeId> sources, PartitionId source_partition) {
  sources_ = std::move(sources);
  source_partition_ = source_partition;
}

// Who was one when its bytes were sent may be none by now.
Effects CommitRound::offer(NodeId holder, std::optional<StreamId> stream) {
  if (!is_holder(lists_, holder)) return {};
  holders_[holder] = State::offered;
  std::vector<NodeId> sources = sources_;
  for (const NodeId& node : durable()) sources.push_back(node);
  std::erase(sources, holder);
  return {Ask{holder, CommitRequest{id_, partition_, record_, lists_, stream, std::move(sources),
                                    source_partition_, first_at_.microseconds, overtaken_}}};
}

Effects CommitRound::offer_all_alive() {
  Effects effects;
  for (const NodeId& holder : holders_of(lists_)) {
    if (mesh_.is_alive(holder) && !contains(durable(), holder)) {
      append(effects, offer(holder, std::nullopt));
    }
  }
  return effects;
}

Effects CommitRound::on_answer(Instant now, NodeId from, const CommitAnswer& answer) {
  if (answer.code == CommitCode::stale) {
    if (answer.lists == lists_) return {};  // an answer to an earlier offer
    if (answer.lists.known() && answer.lists.number >= lists_.number) {
      const std::vector<NodeId> had = durable();
      lists_ = answer.lists;
      std::erase_if(holders_, [&](const auto& entry) { return !is_holder(lists_, entry.first); });
      // Those that stored it under the old lists are asked again: only the same lists count.
      for (const NodeId& node : had) sources_.push_back(node);
      tally_ = Tally(lists_, Tally::Kind::write);
      retry_at_.reset();  // not as late as for those that are behind
      retry_wait_ = retry_after;
    } else {
      holders_[from] = State::behind;
    }
    if (!retry_at_) {
      retry_at_ = now + retry_wait_;
      retry_wait_ = std::min(2 * retry_wait_, retry_after_max);
    }
    return {ListsDiffer{from}};
  }
  if (answer.lists != lists_) return {};  // made under lists that no longer count
  if (is_durable(answer.code)) {
    holders_[from] = State::durable;
    tally_.count(from);
  } else {
    holders_[from] = State::failed;
    note_refusal(from, answer);
  }
  return {};
}

void CommitRound::note_refusal(NodeId from, const CommitAnswer& answer) {
  const bool is_full = answer.code == CommitCode::no_space;
  if (refusal_ && refusal_->code == ErrorCode::no_space && !is_full) return;
  refusal_ = is_full ? Error{ErrorCode::no_space, "holder " + to_text(from) + ": " + answer.detail}
                     : Error{ErrorCode::unreachable, answer.detail};
}

Error CommitRound::failure() const {
  return refusal_ ? *refusal_ : Error{ErrorCode::unreachable, write_quorum_text(mesh_, lists_)};
}

Effects CommitRound::on_deadline(Instant now) {
  if (!retry_at_ || now < *retry_at_) return {};
  retry_at_.reset();
  return offer_all_alive();
}

void CommitRound::give_up_on(NodeId holder) {
  State& state = holders_[holder];
  if (state != State::durable) state = State::failed;
}

bool CommitRound::possible() const {
  std::vector<NodeId> hopeful;
  for (const NodeId& node : holders_of(lists_)) {
    const auto found = holders_.find(node);
    const bool failed = found != holders_.end() && found->second == State::failed;
    if (!failed && mesh_.is_alive(node)) hopeful.push_back(node);
  }
  for (const NodeId& node : durable()) {
    if (!contains(hopeful, node)) {
      hopeful.insert(std::lower_bound(hopeful.begin(), hopeful.end(), node), node);
    }
  }
  return tally_.possible_with(hopeful);
}

bool CommitRound::waiting() const { return retry_at_ || is_owed(); }

bool CommitRound::is_owed() const {
  return std::any_of(holders_.begin(), holders_.end(),
                     [](const auto& entry) { return entry.second == State::offered; });
}

std::vector<NodeId> CommitRound::missing() const {
  std::vector<NodeId> nodes;
  for (const NodeId& node : holders_of(lists_)) {
    if (!contains(durable(), node)) nodes.push_back(node);
  }
  return nodes;
}

WriteDone CommitRound::receipt(OperationId operation) const {
  WriteDone done;
  done.operation = operation;
  done.version = record_.version;
  done.digest = record_.digest;
  done.size = record_.size;
  done.media = record_.media;
  for (const NodeId& node : durable()) {
    if (contains(lists_.target, node)) done.holders.push_back(node);
  }
  done.copies = static_cast<std::uint32_t>(done.holders.size());
  done.copies_wanted = static_cast<std::uint32_t>(lists_.target.size());
  return done;
}

}  // namespace pixmesh
