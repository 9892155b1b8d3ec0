#include "replication/revise.h"

#include <algorithm>

#include "base/digest.h"

namespace pixmesh {
namespace {

constexpr Duration patience = 30s;  // a copy by reference moves a whole image

constexpr const char* begun_text =
    "a holder that does not answer may have what an earlier try of this wish tagged";

const std::string& name_of(const Revise::Wish& wish) {
  return std::visit([](const auto& request) -> const std::string& { return request.name; }, wish);
}

}  // namespace

Revise::Revise(OperationId id, const MeshView& mesh, Wish wish, PartitionId partition,
               HolderLists lists, LinkId client, PartitionId source_partition)
    : Operation(id),
      mesh_(mesh),
      wish_(std::move(wish)),
      name_(name_of(wish_)),
      request_(std::visit([](const auto& request) { return request.request; }, wish_)),
      client_operation_(std::visit([](const auto& request) { return request.operation; }, wish_)),
      partition_(partition),
      source_partition_(source_partition),
      client_(client),
      lookup_(id, mesh, partition, name_digest_of(name_), request_, std::move(lists)) {}

Effects Revise::start(Instant now) {
  deadline_ = now + patience;
  Effects effects = lookup_.start(now);
  append(effects, after_lookup(now));
  return effects;
}

Effects Revise::on_message(Instant now, NodeId from, const PeerMessage& message) {
  if (over_) return {};
  if (const auto* answer = std::get_if<CommitAnswer>(&message)) {
    if (!commit_) return {};
    Effects effects = commit_->on_answer(now, from, *answer);
    append(effects, after_commit());
    return effects;
  }
  Effects effects = lookup_.on_message(now, from, message);
  append(effects, after_lookup(now));
  return effects;
}

Effects Revise::after_lookup(Instant now) {
  if (over_ || commit_ || !lookup_.done()) return {};
  const LookupOutcome& found = lookup_.outcome();
  if (found.code != ErrorCode{} || !found.confirmed) {
    return fail(ErrorCode::unreachable, write_quorum_text(mesh_, found.lists));
  }
  const bool made_before = found.record && found.record->request == request_;
  if (made_before && lookup_.is_acknowledged()) return end(found.as_receipt());
  return is_overtaken() ? commit_overtaker() : commit_successor(now);
}

Result<ImageRecord> Revise::successor() const {
  const auto& current = lookup_.outcome().record;
  if (current && current->request == request_) return *current;  // an earlier try got so far
  ImageRecord next;
  if (const auto* copy = std::get_if<CopyRequest>(&wish_)) {
    next = copy->source;
  } else if (is_for_nothing()) {
    next.tombstone = true;
  } else if (const auto* tags = std::get_if<TagRequest>(&wish_)) {
    next = *current;
    next.tags = merged_tags(std::move(next.tags), tags->changes);
    if (auto checked = check_tags(next.tags); !checked) return checked.error();
  } else {
    next.tombstone = true;
  }
  next.name = name_;
  next.request = request_;
  return next;
}

bool Revise::is_for_nothing() const {
  if (std::holds_alternative<CopyRequest>(wish_)) return false;
  const bool is_removal = std::holds_alternative<RemoveRequest>(wish_);
  if (is_removal && was_begun()) return false;
  const auto& current = lookup_.outcome().record;
  return !current || current->tombstone;
}

// An earlier try was not refused.
bool Revise::was_begun() const {
  const auto& before = lookup_.outcome().request_version;
  return before && !is_refusal(*before, request_);
}

// A deletion is the same whenever it is said. What tags make comes right behind what they were read
// from: whatever else was written meanwhile stays, and is not undone by an older record with new
// tags. Each try that found the same gives the same version.
std::optional<Version> Revise::version_without_clock() const {
  if (const auto earlier = lookup_.version_of_earlier_try()) return earlier;
  const LookupOutcome& found = lookup_.outcome();
  if (is_for_nothing()) {
    const bool is_kept = found.record && found.record->version.clock > found.collected;
    const Version lowest{found.collected + 1, {}};
    return refused_version(is_kept ? found.record->version : lowest, request_);
  }
  if (std::holds_alternative<TagRequest>(wish_)) {
    return edited_version(found.record->version, request_);
  }
  const bool is_removal = std::holds_alternative<RemoveRequest>(wish_);
  return is_removal ? lookup_.outcome().request_version : std::nullopt;
}

bool Revise::is_overtaken() const {
  return lookup_.is_overtaken() && !std::holds_alternative<RemoveRequest>(wish_);
}

// What overtook the wish is made durable, and that it was carried out is remembered with it.
Effects Revise::commit_overtaker() {
  const LookupOutcome& found = lookup_.outcome();
  commit_.emplace(id(), mesh_, partition_, found.lists);
  commit_->set_record(*found.record);
  commit_->set_overtaken(RememberedWish{request_, *found.request_version});
  commit_->set_sources(found.have, partition_);
  Effects effects = commit_->offer_all_alive();
  append(effects, after_commit());
  return effects;
}

Effects Revise::commit_successor(Instant now) {
  const LookupOutcome& found = lookup_.outcome();
  const bool is_own = found.record && found.record->request == request_;
  if (is_for_nothing() && !is_own) {
    // Tagged in an earlier try, then deleted; or refused; and that is forgotten.
    if (lookup_.version_of_earlier_try()) return fail(ErrorCode::not_found, not_found_text());
    if (was_begun() && !found.record) return fail(ErrorCode::unreachable, begun_text);
  }
  auto next = successor();
  if (!next) return fail(next.error().code, next.error().detail);
  std::optional<Version> version = version_without_clock();
  if (!version) {
    if (const auto refusal = mesh_.clock_refusal()) return fail(ErrorCode::unreachable, *refusal);
    version = lookup_.fresh_version();
  }
  if (!version) {
    Effects effects = lookup_.again(now);
    append(effects, after_lookup(now));
    return effects;
  }
  ImageRecord record = next.value();
  record.version = *version;
  commit_.emplace(id(), mesh_, partition_, found.lists);
  commit_->set_record(std::move(record));
  if (!is_refusal(*version, request_)) commit_->set_first_at(lookup_.first_at());
  commit_->set_overtaken(lookup_.wish_found());
  if (const auto* copy = std::get_if<CopyRequest>(&wish_)) {
    commit_->set_sources(copy->source_holders, source_partition_);
  } else {
    commit_->set_sources(found.have, partition_);
  }
  Effects effects = commit_->offer_all_alive();
  append(effects, after_commit());
  return effects;
}

Effects Revise::after_commit() {
  if (!commit_ || over_) return {};
  // Every living holder's answer is waited for, so that the receipt counts all copies; silent
  // ones end with on_member_down. Who has older lists gets a hint where the others are enough.
  if (commit_->acknowledged() ? commit_->is_owed() : commit_->waiting()) return {};
  if (!commit_->acknowledged()) {
    const Error why = commit_->failure();
    return fail(why.code, why.detail);
  }
  return end(receipt());
}

// Of what overtook the wish, under the version that the wish was given.
WriteDone Revise::receipt() const {
  WriteDone done = commit_->receipt(client_operation_);
  if (!is_overtaken()) return done;
  done.version = *lookup_.outcome().request_version;
  if (const auto* copy = std::get_if<CopyRequest>(&wish_)) {
    done.digest = copy->source.digest;
    done.size = copy->source.size;
    done.media = copy->source.media;
  }
  return done;
}

Effects Revise::give_way() {
  if (over_ || commit_) return {};
  return fail(ErrorCode::unreachable, said_again_text);
}

Effects Revise::on_member_down(Instant now, NodeId member) {
  if (over_) return {};
  Effects effects = lookup_.on_member_down(now, member);
  append(effects, after_lookup(now));
  if (over_ || !commit_) return effects;
  commit_->give_up_on(member);
  append(effects, after_commit());
  return effects;
}

Effects Revise::on_deadline(Instant now) {
  if (over_) return {};
  Effects effects;
  if (commit_) {
    append(effects, commit_->on_deadline(now));
  } else {
    append(effects, lookup_.on_deadline(now));
    append(effects, after_lookup(now));
  }
  if (over_ || now < deadline_) return effects;
  if (commit_ && commit_->acknowledged()) {
    append(effects, end(receipt()));
  } else {
    append(effects, fail(ErrorCode::timed_out, "the holders did not answer in time"));
  }
  return effects;
}

std::optional<Instant> Revise::next_deadline() const {
  if (over_) return std::nullopt;
  Instant first = deadline_;
  const auto earlier = [&](const std::optional<Instant>& at) {
    if (at) first = std::min(first, *at);
  };
  if (commit_) {
    earlier(commit_->next_deadline());
  } else {
    earlier(lookup_.next_deadline());
  }
  return first;
}

std::string Revise::not_found_text() const { return "no image is named '" + name_ + "'"; }

Effects Revise::fail(ErrorCode code, std::string detail) {
  WriteDone done;
  done.code = code;
  done.detail = std::move(detail);
  return end(done);
}

Effects Revise::end(WriteDone done) {
  over_ = true;
  if (done.code == ErrorCode{} && is_refusal(done.version, request_)) {
    done = WriteDone{};
    done.code = ErrorCode::not_found;
    done.detail = not_found_text();
  }
  done.operation = client_operation_;
  Effects effects{Answer{client_, std::move(done)}};
  if (commit_ && commit_->acknowledged()) {
    for (const NodeId& node : commit_->missing()) {
      effects.push_back(RememberHint{node, partition_});
    }
  }
  return effects;
}

}  // namespace pixmesh
