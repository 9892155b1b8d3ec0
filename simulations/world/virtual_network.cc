#include "simulations/world/virtual_network.h"

#include <algorithm>

namespace pixmesh {

Endpoint VirtualNetwork::address_of(PartyId party, Plane plane) {
  return {"party" + std::to_string(party) + ":" + (plane == Plane::control ? "1" : "2")};
}

void VirtualNetwork::start(PartyId party, Deliver deliver) {
  Party& process = parties_[party];
  process.deliver = std::move(deliver);
  ++process.life;
}

void VirtualNetwork::stop(PartyId party) {
  Party& process = parties_[party];
  process.deliver = nullptr;
  ++process.life;
  std::erase_if(ends_, [&](const auto& end) { return end.first.first == party; });
}

LinkId VirtualNetwork::open(PartyId from, Plane plane, const Endpoint& to) {
  Party& process = parties_[from];
  const LinkId link{++process.last_link};
  auto wire = std::make_shared<Wire>();
  wire->plane = plane;
  wire->sides[0] = {from, process.life, link, {}};
  const std::size_t colon = to.text.find(':');
  wire->sides[1].party = static_cast<PartyId>(std::stoul(to.text.substr(5, colon - 5)));
  ends_[{from, link}] = {std::move(wire), 0};
  return link;
}

void VirtualNetwork::close(PartyId party, LinkId link) {
  const auto end = ends_.find({party, link});
  if (end == ends_.end()) return;
  if (end->second.second == 0) end->second.first->is_closed = true;
  ends_.erase(end);
}

bool VirtualNetwork::is_cut(const Wire& wire) const {
  return cuts_.contains(std::minmax(wire.sides[0].party, wire.sides[1].party));
}

bool VirtualNetwork::send(PartyId from, LinkId link, Bytes message, SharedBytes chunk) {
  const auto end = ends_.find({from, link});
  if (end == ends_.end()) return false;
  const auto& [wire, side] = end->second;
  bytes_sent_ += message.size() + (chunk ? chunk->size() : 0);
  const Duration way = 200us + std::chrono::microseconds(rng_.below(1'800));
  Side& to = wire->sides[1 - side];
  to.last_arrival = std::max(to.last_arrival, clock_.now() + way);
  if (is_cut(*wire)) return true;
  clock_.at(to.last_arrival, [this, wire = wire, side = side, life = parties_[from].life,
                              message = std::move(message), chunk = std::move(chunk)] {
    arrive(wire, 1 - side, life, message, chunk);
  });
  return true;
}

void VirtualNetwork::arrive(const WirePtr& wire, int to, std::uint64_t sender_life,
                            const Bytes& message, const SharedBytes& chunk) {
  const Side& sender = wire->sides[1 - to];
  Side& receiver = wire->sides[to];
  Party& process = parties_[receiver.party];
  const bool sender_lives = parties_[sender.party].life == sender_life;
  if (!process.deliver || !sender_lives || wire->is_closed || is_cut(*wire)) return;
  if (receiver.life != process.life) {
    if (to == 0) return;  // whoever opened this is gone
    receiver.life = process.life;
    receiver.link = LinkId{++process.last_link};
    ends_[{receiver.party, receiver.link}] = {wire, 1};
  }
  if (chunk) ++chunks_to_[receiver.party];
  process.deliver({receiver.link, wire->plane, message, std::nullopt}, chunk);
}

std::uint64_t VirtualNetwork::chunks_to(PartyId party) const {
  const auto found = chunks_to_.find(party);
  return found == chunks_to_.end() ? 0 : found->second;
}

}  // namespace pixmesh
