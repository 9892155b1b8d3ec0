#include "host/net/inbound_links.h"

namespace pixmesh {

std::optional<LinkId> InboundLinks::find(std::string_view peer, Instant now) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return std::nullopt;
  touch(found->second, now);
  return found->second->link;
}

std::optional<LinkId> InboundLinks::add(std::string_view peer, LinkId link, Instant now) {
  std::optional<LinkId> pushed_out;
  if (by_use_.size() >= count_max_) {
    pushed_out = by_use_.back().link;
    forget(*pushed_out);
  }
  by_use_.push_front({std::string(peer), link, now});
  by_peer_.emplace(by_use_.front().peer, by_use_.begin());
  by_link_.emplace(link.raw, by_use_.begin());
  return pushed_out;
}

const std::string* InboundLinks::peer_of(LinkId link, Instant now) {
  const auto found = by_link_.find(link.raw);
  if (found == by_link_.end()) return nullptr;
  touch(found->second, now);
  return &found->second->peer;
}

bool InboundLinks::forget(LinkId link) {
  const auto found = by_link_.find(link.raw);
  if (found == by_link_.end()) return false;
  const Place place = found->second;
  by_link_.erase(found);
  by_peer_.erase(place->peer);
  by_use_.erase(place);
  return true;
}

std::vector<LinkId> InboundLinks::forget_idle(Instant horizon) {
  std::vector<LinkId> idle;
  while (!by_use_.empty() && by_use_.back().used < horizon) {
    idle.push_back(by_use_.back().link);
    forget(idle.back());
  }
  return idle;
}

void InboundLinks::touch(Place place, Instant now) {
  place->used = now;
  by_use_.splice(by_use_.begin(), by_use_, place);
}

}  // namespace pixmesh
