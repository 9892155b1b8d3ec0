#include "simulations/world/virtual_network.h"

#include <algorithm>

namespace pixmesh {
namespace {

constexpr std::uint64_t late_one_in = 50;

}  // namespace

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
  auto& [wire, side] = end->second;
  if (side == 0) {
    wire->is_closed = true;
  } else {
    wire->sides[1].life = 0;  // forgotten: what the caller says next comes on a link of its own
  }
  ends_.erase(end);
}

void VirtualNetwork::cut(PartyId a, PartyId b) {
  cut_way(a, b);
  cut_way(b, a);
}

void VirtualNetwork::heal(PartyId a, PartyId b) {
  heal_way(a, b);
  heal_way(b, a);
}

void VirtualNetwork::heal_way(PartyId from, PartyId to) {
  Way& way = ways_[{from, to}];
  if (way.cuts > 0) --way.cuts;
}

void VirtualNetwork::release_way(PartyId from, PartyId to) {
  Way& way = ways_[{from, to}];
  if (way.holds > 0) --way.holds;
  if (way.holds > 0 || way.held.empty()) return;
  // What arrives meanwhile lines up behind: see `arrive`.
  clock_.at(clock_.now(), [this, key = WayKey{from, to}] {
    Way& free = ways_[key];
    if (free.holds > 0) return;
    const std::vector<Parcel> parcels = std::move(free.held);
    free.held.clear();
    for (const Parcel& parcel : parcels) deliver(parcel);
  });
}

void VirtualNetwork::heal_all() {
  for (auto& [key, way] : ways_) {
    way.cuts = 0;
    way.bytes_per_second = 0;
    way.holds = std::min(way.holds, 1U);
  }
  for (const auto& [key, way] : ways_) {
    if (way.holds > 0) release_way(key.first, key.second);
  }
}

void VirtualNetwork::reset(PartyId a, PartyId b) {
  for (auto end = ends_.begin(); end != ends_.end();) {
    Wire& wire = *end->second.first;
    const bool is_theirs =
        std::minmax(wire.sides[0].party, wire.sides[1].party) == std::minmax(a, b);
    if (!is_theirs) {
      ++end;
      continue;
    }
    ++wire.connection;
    wire.sides[1].life = 0;  // the next message makes a new link there
    end = end->second.second == 1 ? ends_.erase(end) : std::next(end);
  }
}

Instant VirtualNetwork::arrival_of(Wire& wire, int to, std::size_t size) {
  Duration travel = conditions.latency_min +
                    std::chrono::microseconds(
                        rng_.below(static_cast<std::uint64_t>(conditions.latency_spread / 1us)));
  if (conditions.retransmit_one_in > 0 && rng_.below(conditions.retransmit_one_in) == 0) {
    travel += conditions.retransmit_after;
  }
  if (wire.plane == Plane::bulk) travel += wait_for_lines(wire, to, size);
  if (conditions.late_by > Duration{} && rng_.below(late_one_in) == 0) {
    travel += conditions.late_by;
  }
  Side& side = wire.sides[to];
  const auto way = ways_.find({wire.sides[1 - to].party, side.party});
  if (way != ways_.end() && way->second.bytes_per_second > 0) {
    const Duration line = std::chrono::microseconds(1'000'000 * static_cast<std::uint64_t>(size) /
                                                    way->second.bytes_per_second);
    side.line_free_at = std::max(side.line_free_at, clock_.now()) + line;
    travel += side.line_free_at - clock_.now();
  }
  side.last_arrival = std::max(side.last_arrival, clock_.now() + travel);
  return side.last_arrival;
}

// A message takes its turn on the sender's line and then on the receiver's, which lets its first
// bytes through while the last ones still leave.
Duration VirtualNetwork::wait_for_lines(const Wire& wire, int to, std::size_t size) {
  const auto line_time = [size](const Party& party) -> Duration {
    if (party.bulk_bytes_per_second == 0) return {};
    return std::chrono::microseconds(1'000'000 * static_cast<std::uint64_t>(size) /
                                     party.bulk_bytes_per_second);
  };
  Party& sender = parties_[wire.sides[1 - to].party];
  Party& receiver = parties_[wire.sides[to].party];
  const Duration leaving = line_time(sender);
  sender.sends_until = std::max(sender.sends_until, clock_.now()) + leaving;
  const Duration arriving = line_time(receiver);
  const Instant first_bytes = sender.sends_until - leaving;
  receiver.receives_until =
      std::max({receiver.receives_until + arriving, first_bytes + arriving, sender.sends_until});
  return receiver.receives_until - clock_.now();
}

bool VirtualNetwork::send(PartyId from, LinkId link, Bytes message, SharedBytes chunk) {
  const auto end = ends_.find({from, link});
  if (end == ends_.end()) return false;
  const WirePtr& wire = end->second.first;
  const int to = 1 - end->second.second;
  if (watch_) watch_(from, wire->sides[to].party, wire->plane, message);
  const std::size_t size = message.size() + (chunk ? chunk->size() : 0);
  bytes_sent_ += size;
  ++messages_sent_;
  const Instant at = arrival_of(*wire, to, size);
  Parcel parcel{
      wire, to, parties_[from].life, wire->connection, std::move(message), std::move(chunk)};
  if (const Way* way = way_of(parcel); way != nullptr && way->cuts > 0) return true;
  clock_.at(at, [this, parcel = std::move(parcel)]() mutable { arrive(std::move(parcel)); });
  return true;
}

bool VirtualNetwork::send_in_name_of(PartyId from, PartyId to, Bytes message) {
  for (auto end = ends_.lower_bound({from, LinkId{}}); end != ends_.end(); ++end) {
    if (end->first.first != from) break;
    const Wire& wire = *end->second.first;
    if (wire.plane != Plane::control || wire.is_closed) continue;
    if (wire.sides[1 - end->second.second].party != to) continue;
    return send(from, end->first.second, std::move(message), nullptr);
  }
  return false;
}

VirtualNetwork::Way* VirtualNetwork::way_of(const Parcel& parcel) {
  const Wire& wire = *parcel.wire;
  const auto way = ways_.find({wire.sides[1 - parcel.to].party, wire.sides[parcel.to].party});
  return way == ways_.end() ? nullptr : &way->second;
}

void VirtualNetwork::arrive(Parcel parcel) {
  Way* way = way_of(parcel);
  if (way != nullptr && way->cuts > 0) return;
  if (way != nullptr && (way->holds > 0 || !way->held.empty())) {
    way->held.push_back(std::move(parcel));
    return;
  }
  deliver(parcel);
}

void VirtualNetwork::deliver(const Parcel& parcel) {
  Wire& wire = *parcel.wire;
  const Side& sender = wire.sides[1 - parcel.to];
  Side& receiver = wire.sides[parcel.to];
  Party& process = parties_[receiver.party];
  const bool sender_lives = parties_[sender.party].life == parcel.sender_life;
  if (!process.deliver || !sender_lives || wire.is_closed) return;
  if (wire.connection != parcel.connection) return;
  if (receiver.life != process.life) {
    if (parcel.to == 0) return;  // whoever opened this is gone
    receiver.life = process.life;
    receiver.link = LinkId{++process.last_link};
    ends_[{receiver.party, receiver.link}] = {parcel.wire, 1};
  }
  if (parcel.chunk) ++chunks_to_[receiver.party];
  process.deliver({receiver.link, wire.plane, parcel.message, std::nullopt}, parcel.chunk);
}

std::uint64_t VirtualNetwork::chunks_to(PartyId party) const {
  const auto found = chunks_to_.find(party);
  return found == chunks_to_.end() ? 0 : found->second;
}

}  // namespace pixmesh
