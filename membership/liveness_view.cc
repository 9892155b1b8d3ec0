#include "membership/liveness_view.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/invariant.h"

namespace pixmesh {
namespace {

constexpr std::size_t few_members = 64;  // up to here a pick looks at all of them

std::uint64_t first_bytes_of(NodeId node) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) word = word << 8 | node.raw.at(i);
  return word;
}

}  // namespace

bool LivenessView::assign(Instant now, NodeId self, std::vector<NodeId> members, Rng& rng) {
  if (!std::ranges::is_sorted(members)) std::ranges::sort(members);
  members.erase(std::unique(members.begin(), members.end()), members.end());
  std::erase(members, self);
  if (std::ranges::equal(peers_, members, {}, &PeerLife::node)) return false;

  std::vector<PeerLife> next;
  next.reserve(members.size());
  for (const NodeId node : members) {
    const PeerLife* known = find(node);
    next.push_back(known != nullptr ? *known : PeerLife{node, 0, heard_time_of(now)});
  }
  peers_ = std::move(next);
  successor_ = place_of(self);
  counts_ = {};
  for (const PeerLife& peer : peers_) ++counts_[static_cast<std::size_t>(peer.state)];
  shuffle(rng);
  return true;
}

std::size_t LivenessView::guess_of(NodeId node) const {
  const std::size_t count = peers_.size();
  const auto part_of_count = [count](std::uint64_t part) {
    return static_cast<std::size_t>((Wide{part} * count) >> 64);
  };
  const std::uint64_t wanted = first_bytes_of(node);
  const std::size_t first = part_of_count(wanted);
  if (first >= count) return first;
  const std::uint64_t seen = first_bytes_of(peers_[first].node);
  if (wanted >= seen) return std::min(first + part_of_count(wanted - seen), count);
  return first - std::min(part_of_count(seen - wanted), first);
}

std::size_t LivenessView::place_of(NodeId node) const {
  std::size_t from = guess_of(node);
  std::size_t to = from;
  const auto is_before = [&](std::size_t at) { return peers_[at].node < node; };
  for (std::size_t step = 4; from > 0 && !is_before(from - 1); step *= 2) {
    from -= std::min(step, from);
  }
  for (std::size_t step = 4; to < peers_.size() && is_before(to); step *= 2) {
    to = std::min(to + step, peers_.size());
  }
  const std::span<const PeerLife> near = peers().subspan(from, to - from);
  const auto at = std::ranges::lower_bound(near, node, {}, &PeerLife::node);
  return from + static_cast<std::size_t>(at - near.begin());
}

PeerLife* LivenessView::find(NodeId node) {
  const std::size_t at = place_of(node);
  return at < peers_.size() && peers_[at].node == node ? &peers_[at] : nullptr;
}

const PeerLife* LivenessView::find(NodeId node) const {
  const std::size_t at = place_of(node);
  return at < peers_.size() && peers_[at].node == node ? &peers_[at] : nullptr;
}

void LivenessView::set_state(PeerLife& peer, LifeState state) {
  --counts_[static_cast<std::size_t>(peer.state)];
  peer.state = state;
  ++counts_[static_cast<std::size_t>(state)];
}

void LivenessView::shuffle(Rng& rng) {
  order_.resize(peers_.size());
  std::iota(order_.begin(), order_.end(), 0U);
  for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[rng.below(i)]);
  order_at_ = 0;
}

std::optional<NodeId> LivenessView::next_to_probe(Rng& rng) {
  if (count(LifeState::alive) + count(LifeState::suspect) == 0) return std::nullopt;
  successor_turn_ = !successor_turn_;
  if (successor_turn_) {
    std::size_t at = successor_ % peers_.size();
    while (peers_[at].state > LifeState::suspect) at = (at + 1) % peers_.size();
    return peers_[at].node;
  }
  while (true) {  // ends: one alive or suspected member is in every round
    if (order_at_ == order_.size()) shuffle(rng);
    const PeerLife& peer = peers_[order_[order_at_++]];
    if (peer.state <= LifeState::suspect) return peer.node;
  }
}

std::optional<NodeId> LivenessView::next_dead() {
  for (std::size_t looked = 0; looked < peers_.size(); ++looked) {
    dead_at_ = (dead_at_ + 1) % peers_.size();
    if (peers_[order_[dead_at_]].state > LifeState::suspect) return peers_[order_[dead_at_]].node;
  }
  return std::nullopt;
}

std::vector<NodeId> LivenessView::pick(Rng& rng, std::size_t count, NodeId without,
                                       bool suspects_too) const {
  const LifeState worst = suspects_too ? LifeState::suspect : LifeState::alive;
  const auto suits = [&](const PeerLife& peer) {
    return peer.state <= worst && peer.node != without;
  };
  std::vector<NodeId> picked;
  if (peers_.size() <= few_members) {
    for (const PeerLife& peer : peers_) {
      if (suits(peer)) picked.push_back(peer.node);
    }
    const std::size_t kept = std::min(count, picked.size());
    for (std::size_t i = 0; i < kept; ++i) {
      std::swap(picked[i], picked[i + rng.below(picked.size() - i)]);
    }
    picked.resize(kept);
    return picked;
  }
  for (std::size_t tries = 4 * count + 16; tries > 0 && picked.size() < count; --tries) {
    const PeerLife& peer = peers_[rng.below(peers_.size())];
    if (suits(peer) && std::ranges::find(picked, peer.node) == picked.end()) {
      picked.push_back(peer.node);
    }
  }
  return picked;
}

}  // namespace pixmesh
