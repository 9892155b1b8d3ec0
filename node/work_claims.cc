#include "node/work_claims.h"

#include <algorithm>
#include <utility>

namespace pixmesh {
namespace {

constexpr Duration unplaced_for = 1500ms;  // a router decides within a second
constexpr Duration placed_for = 3s;        // until the run goes on there
constexpr std::size_t claims_max = 4'096;
constexpr std::size_t waiting_max = 4'096;

}  // namespace

void WorkClaims::begin(Instant now, const Digest& work, Claim& claim, RequestId first) {
  of_first_.erase(claim.first);
  claim.first = first;
  claim.placed_at = {};
  claim.until = now + unplaced_for;
  of_first_[first] = work;
}

void WorkClaims::answer(Instant now, LinkId to, const ProbeLoad& probe, LoadAnswer answer) {
  const auto send = [&] { post_.to_link(to, std::move(answer)); };
  if (!probe.arbiter || probe.work == Digest{} || answer.known != KnownWork::nothing) return send();
  const auto known = claims_.find(probe.work);
  if (known == claims_.end() && claims_.size() >= claims_max) return send();
  Claim& claim = claims_[probe.work];
  const bool is_over = now >= claim.until && claim.waiting.empty();
  const bool asks_again = claim.first == probe.request && claim.placed_at != NodeId{};
  if (known == claims_.end() || is_over || asks_again) {
    begin(now, probe.work, claim, probe.request);
  }
  if (claim.first == probe.request) return send();
  answer.placed_at = claim.placed_at;
  if (claim.placed_at != NodeId{}) return send();
  if (waiting_ >= waiting_max) {
    answer.claimed = true;
    return send();
  }
  ++waiting_;
  claim.waiting.push_back({to, probe.request, std::move(answer), now + claim_patience});
}

void WorkClaims::on_placed(Instant now, RequestId request, NodeId node) {
  const auto found = of_first_.find(request);
  if (found == of_first_.end()) return;
  const Digest work = found->second;
  Claim& claim = claims_.at(work);
  if (node != NodeId{}) {
    claim.placed_at = node;
    claim.until = now + placed_for;
    return tell_waiting(claim);
  }
  if (claim.waiting.empty()) {
    of_first_.erase(found);
    claims_.erase(work);
    return;
  }
  Waiting next = std::move(claim.waiting.front());
  claim.waiting.erase(claim.waiting.begin());
  --waiting_;
  begin(now, work, claim, next.request);
  post_.to_link(next.to, std::move(next.answer));
}

void WorkClaims::tell_waiting(Claim& claim) {
  waiting_ -= claim.waiting.size();
  for (Waiting& one : std::exchange(claim.waiting, {})) {
    one.answer.placed_at = claim.placed_at;
    one.answer.claimed = claim.placed_at == NodeId{};
    post_.to_link(one.to, std::move(one.answer));
  }
}

void WorkClaims::on_deadline(Instant now) {
  for (auto next = claims_.begin(); next != claims_.end();) {
    Claim& claim = next->second;
    if (!claim.waiting.empty() && now >= claim.waiting.front().until) tell_waiting(claim);
    if (now < claim.until || !claim.waiting.empty()) {
      ++next;
      continue;
    }
    of_first_.erase(claim.first);
    next = claims_.erase(next);
  }
}

std::optional<Instant> WorkClaims::next_deadline() const {
  std::optional<Instant> first;
  for (const auto& [work, claim] : claims_) {
    const Instant at = claim.waiting.empty() ? claim.until : claim.waiting.front().until;
    if (!first || at < *first) first = at;
  }
  return first;
}

}  // namespace pixmesh
