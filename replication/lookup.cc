#include "replication/lookup.h"

#include <algorithm>

namespace pixmesh {
namespace {

std::optional<Instant> earliest(std::initializer_list<std::optional<Instant>> instants) {
  std::optional<Instant> first;
  for (const auto& instant : instants) {
    if (instant && (!first || *instant < *first)) first = instant;
  }
  return first;
}

void remove(std::vector<NodeId>& sorted, NodeId node) {
  std::erase_if(sorted, [&](NodeId other) { return other == node; });
}

}  // namespace

std::string quorum_text(const MeshView& mesh, const HolderLists& lists) {
  std::string silent;
  std::size_t living = 0;
  const std::vector<NodeId> holders = holders_of(lists);
  for (const NodeId& node : holders) {
    if (mesh.is_alive(node)) {
      ++living;
      continue;
    }
    silent += (silent.empty() ? "" : ", ") + to_text(node);
  }
  std::string text = "only " + std::to_string(living) + " of " + std::to_string(holders.size()) +
                     " holders answer";
  if (!silent.empty()) text += "; silent: " + silent;
  return text;
}

std::string write_quorum_text(const MeshView& mesh, const HolderLists& lists) {
  std::string text = quorum_text(mesh, lists);
  for (const NodeId& node : holders_of(lists)) {
    if (mesh.is_alive(node)) continue;
    return text + ". Start it again. If it will never return, 'pixmesh node forget " +
           to_text(node) +
           " --force' gives its partitions to others; an image whose only copy it has is then lost";
  }
  return text;
}

WriteDone LookupOutcome::as_receipt() const {
  WriteDone done;
  done.version = record->version;
  done.digest = record->digest;
  done.size = record->size;
  done.media = record->media;
  done.holders = have;
  done.copies = static_cast<std::uint32_t>(have.size());
  done.copies_wanted = static_cast<std::uint32_t>(lists.target.size());
  return done;
}

Lookup::Lookup(OperationId id, const MeshView& mesh, PartitionId partition, NameDigest name,
               std::optional<RequestId> request, HolderLists lists, LookupOptions options)
    : id_(id),
      mesh_(mesh),
      partition_(partition),
      name_(name),
      request_(request),
      options_(options),
      retry_wait_(options.retry_after) {
  outcome_.lists = std::move(lists);
}

Effects Lookup::start(Instant now) {
  if (request_) clock_ = mesh_.next_clock(0);
  return ask_all(now);
}

Effects Lookup::again(Instant now) {
  if (done_) ++round_;
  waiting_for_.clear();
  deadline_.reset();
  linger_until_.reset();
  repeat_at_.reset();
  clock_ = mesh_.next_clock(std::max(newest_clock(), floor_.clock));
  done_ = !clock_ && mesh_.clock_refusal().has_value();  // it will not come: not to wait for
  if (clock_) return ask_all(now);
  retry_at_ = now + options_.clock_after;
  return {};
}

Effects Lookup::ask_all(Instant now) {
  if (!deadline_) deadline_ = now + options_.timeout;
  doubts_ = mesh_.doubts;
  retry_at_.reset();
  linger_until_.reset();
  outcome_.record.reset();
  outcome_.have.clear();
  waits_for_behind_ = false;
  tally_ = Tally(outcome_.lists, Tally::Kind::read);
  waiting_for_.clear();
  Effects effects;
  for (const NodeId& node : holders_of(outcome_.lists)) {
    if (!mesh_.is_alive(node)) continue;
    if (outcome_.lists.known()) {
      waiting_for_.push_back(node);
    } else {
      effects.push_back(Ask{node, ListsRequest{id_, partition_}});
    }
  }
  append(effects, ask_holders());
  if (!outcome_.lists.known()) retry_later(now);
  repeat_at_ = now + options_.repeat_after;
  settle_if_complete(now);
  return effects;
}

void Lookup::retry_later(Instant now) {
  linger_until_.reset();
  retry_at_ = now + retry_wait_;
  retry_wait_ = std::min(2 * retry_wait_, options_.repeat_after);
}

// A process that has just started anew does not know our link yet, and what came over it is lost.
Effects Lookup::repeat(Instant now) {
  repeat_at_ = now + options_.repeat_after;
  return ask_holders();
}

Effects Lookup::ask_holders() {
  Effects effects;
  for (const NodeId& node : waiting_for_) {
    effects.push_back(Ask{node, VersionRequest{id_, partition_, name_, outcome_.lists, request_,
                                               round_, version_taken()}});
  }
  return effects;
}

Effects Lookup::on_message(Instant now, NodeId from, const PeerMessage& message) {
  if (done_) return {};
  if (const auto* lists = std::get_if<ListsAnswer>(&message)) {
    if (outcome_.lists.known()) return {};
    return on_lists(now, lists->lists);
  }
  if (const auto* version = std::get_if<VersionAnswer>(&message)) {
    return on_version(now, from, *version);
  }
  return {};
}

Effects Lookup::on_lists(Instant now, const HolderLists& lists) {
  if (!lists.known()) return {};  // a newcomer that waits for its fence; another may know
  outcome_.lists = lists;
  return ask_all(now);
}

Effects Lookup::on_version(Instant now, NodeId from, const VersionAnswer& answer) {
  if (answer.round != round_) return {};
  remove(waiting_for_, from);
  Effects effects;
  if (answer.code == ErrorCode::stale) {
    if (answer.lists == outcome_.lists) return effects;  // an answer to an earlier attempt
    effects.push_back(ListsDiffer{from});
    if (answer.lists.known() && answer.lists.number >= outcome_.lists.number) {
      outcome_.lists = answer.lists;
      waits_for_behind_ = false;
      if (!retry_at_) retry_later(now);
    } else if (!retry_at_ && !has_quorum()) {
      waits_for_behind_ = true;
      retry_later(now);
    }
    settle_if_complete(now);
    return effects;
  }
  if (answer.code == ErrorCode{} && answer.lists == outcome_.lists) note(from, answer);
  settle_if_complete(now);
  return effects;
}

void Lookup::note(NodeId from, const VersionAnswer& answer) {
  tally_.count(from);
  outcome_.collected = std::max(outcome_.collected, answer.collected);
  floor_ = std::max(floor_, answer.floor);
  if (!outcome_.request_version || outcome_.request_version < answer.request_version) {
    outcome_.request_version = answer.request_version;
  }
  if (!answer.record) return;
  if (!outcome_.record || outcome_.record->version < answer.record->version) {
    outcome_.record = answer.record;
    outcome_.have.clear();
  }
  if (answer.record->version == outcome_.record->version) {
    outcome_.have.insert(std::lower_bound(outcome_.have.begin(), outcome_.have.end(), from), from);
  }
}

bool Lookup::is_acknowledged() const {
  return Tally(outcome_.lists, Tally::Kind::write).possible_with(outcome_.have);
}

std::optional<Version> Lookup::version_of_earlier_try() const {
  if (outcome_.record && outcome_.record->request == request_) return outcome_.record->version;
  const bool is_forgotten =  // what overtook it was a deletion
      !outcome_.record && outcome_.request_version &&
      outcome_.request_version->clock <= outcome_.collected;
  return is_overtaken() || is_forgotten ? outcome_.request_version : std::nullopt;
}

bool Lookup::is_overtaken() const {
  return outcome_.record && outcome_.request_version &&
         *outcome_.request_version < outcome_.record->version;
}

std::optional<RememberedWish> Lookup::wish_found() const {
  if (!outcome_.record || outcome_.record->request == request_) return std::nullopt;
  return RememberedWish{outcome_.record->request, outcome_.record->version};
}

std::uint64_t Lookup::newest_clock() const {
  const std::uint64_t newest = outcome_.record ? outcome_.record->version.clock : 0;
  const std::uint64_t tried = outcome_.request_version ? outcome_.request_version->clock : 0;
  return std::max({newest, tried, outcome_.collected});
}

std::optional<Version> Lookup::fresh_version() const {
  const auto taken = version_taken();
  const bool passes = taken && taken->clock > newest_clock() && *taken >= floor_;
  return passes ? taken : std::nullopt;
}

std::optional<Version> Lookup::version_taken() const {
  return clock_ ? std::optional(clocked_version(*clock_, mesh_.self)) : std::nullopt;
}

WallTime Lookup::first_at() const {
  const bool is_first = !outcome_.request_version && !outcome_.record;
  return is_first ? mesh_.wall() : WallTime{};
}

// What we said ourselves before our copies were doubted counts no more: all are asked again.
bool Lookup::has_quorum() const { return doubts_ == mesh_.doubts && tally_.reached(); }

void Lookup::settle_if_complete(Instant now) {
  if (!outcome_.lists.known()) return;
  if (doubts_ != mesh_.doubts && !retry_at_) retry_later(now);
  if (waits_for_behind_ && has_quorum()) {  // it takes the others alone
    waits_for_behind_ = false;
    retry_at_.reset();
  }
  if (retry_at_) return;
  if (has_quorum()) {
    if (waiting_for_.empty()) {
      done_ = true;
    } else if (!linger_until_) {
      linger_until_ = now + options_.linger;
    }
    return;
  }
  if (waiting_for_.empty()) give_up(now);
}

void Lookup::give_up(Instant) {
  done_ = true;
  outcome_.confirmed = false;
  if (!outcome_.record || outcome_.record->tombstone) {
    outcome_.code = ErrorCode::unreachable;
    outcome_.detail = quorum_text(mesh_, outcome_.lists);
  }
}

Effects Lookup::on_member_down(Instant now, NodeId member) {
  if (done_) return {};
  remove(waiting_for_, member);
  settle_if_complete(now);
  return {};
}

Effects Lookup::on_deadline(Instant now) {
  if (done_) return {};
  if (linger_until_ && now >= *linger_until_) {
    done_ = has_quorum();
    return done_ ? Effects{} : ask_all(now);
  }
  if (deadline_ && now >= *deadline_) {
    if (has_quorum() && !retry_at_) {
      done_ = true;
    } else {
      give_up(now);
    }
    return {};
  }
  if (retry_at_ && now >= *retry_at_) return deadline_ ? ask_all(now) : again(now);
  if (repeat_at_ && now >= *repeat_at_) return repeat(now);
  return {};
}

std::optional<Instant> Lookup::next_deadline() const {
  if (done_) return std::nullopt;
  return earliest({deadline_, retry_at_, repeat_at_, linger_until_});
}

}  // namespace pixmesh
