#pragma once

#include <map>
#include <memory>
#include <set>

#include "base/events.h"
#include "base/rng.h"
#include "simulations/world/chunk_pool.h"
#include "simulations/world/virtual_clock.h"

namespace pixmesh {

/// Who sends and receives: a node's process or a client's. Parties have numbers.
using PartyId = std::uint32_t;

/// The wires between the parties of a test. A message takes 0.2 to 2 ms, keeps its order on its
/// link, and is lost when its way is cut or either process is gone.
class VirtualNetwork {
 public:
  using Deliver = std::function<void(const MessageArrived&, const SharedBytes&)>;
  VirtualNetwork(VirtualClock& clock, Rng rng) : clock_(clock), rng_(rng) {}

  /// A process begins. Its earlier links are gone.
  void start(PartyId party, Deliver deliver);
  void stop(PartyId party);

  void cut(PartyId a, PartyId b) { cuts_.insert(std::minmax(a, b)); }
  void heal(PartyId a, PartyId b) { cuts_.erase(std::minmax(a, b)); }
  void heal_all() { cuts_.clear(); }

  [[nodiscard]] static Endpoint address_of(PartyId party, Plane plane);

  [[nodiscard]] LinkId open(PartyId from, Plane plane, const Endpoint& to);
  void close(PartyId party, LinkId link);
  [[nodiscard]] bool send(PartyId from, LinkId link, Bytes message, SharedBytes chunk);

  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }
  /// Chunks that reached a process over a link it opened or was called on, by party.
  [[nodiscard]] std::uint64_t chunks_to(PartyId party) const;

 private:
  struct Party {
    Deliver deliver;  // none: no process runs
    std::uint64_t life = 0;
    std::uint64_t last_link = 0;
  };
  struct Side {
    PartyId party = 0;
    std::uint64_t life = 0;
    LinkId link;  // 0: not known at this side yet
    Instant last_arrival{};
  };
  struct Wire {  // sides[0] opened it
    Plane plane = Plane::control;
    Side sides[2];
    bool is_closed = false;
  };
  using WirePtr = std::shared_ptr<Wire>;

  void arrive(const WirePtr& wire, int to, std::uint64_t sender_life, const Bytes& message,
              const SharedBytes& chunk);
  [[nodiscard]] bool is_cut(const Wire& wire) const;

  VirtualClock& clock_;
  Rng rng_;
  std::map<PartyId, Party> parties_;
  std::map<std::pair<PartyId, LinkId>, std::pair<WirePtr, int>> ends_;  // and which side it is
  std::set<std::pair<PartyId, PartyId>> cuts_;
  std::map<PartyId, std::uint64_t> chunks_to_;
  std::uint64_t bytes_sent_ = 0;
};

/// One process's view of the network.
class VirtualTransport : public Transport {
 public:
  VirtualTransport(VirtualNetwork& network, ChunkPool& chunks, PartyId party)
      : network_(network), chunks_(chunks), party_(party) {}
  LinkId open(Plane plane, const Endpoint& to) override { return network_.open(party_, plane, to); }
  void close(LinkId link) override { network_.close(party_, link); }
  bool send(LinkId link, Bytes message) override {
    return network_.send(party_, link, std::move(message), nullptr);
  }
  bool send_chunk(LinkId link, Bytes message, ChunkRef chunk) override {
    return network_.send(party_, link, std::move(message), chunks_.take(chunk));
  }

 private:
  VirtualNetwork& network_;
  ChunkPool& chunks_;
  PartyId party_;
};

}  // namespace pixmesh
