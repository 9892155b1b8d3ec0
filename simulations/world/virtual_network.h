#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/events.h"
#include "base/rng.h"
#include "simulations/world/chunk_pool.h"
#include "simulations/world/virtual_clock.h"

namespace pixmesh {

/// Who sends and receives: a node's process or a client's. Parties have numbers.
using PartyId = std::uint32_t;

/// How long messages take, for the whole network.
struct NetworkConditions {
  Duration latency_min = 200us;
  Duration latency_spread = 1'800us;    // > 0; evenly added
  std::uint32_t retransmit_one_in = 0;  // one message in so many is sent again; 0: none
  Duration retransmit_after = 250ms;    // what that costs it and all behind it on the same link
  Duration late_by{};                   // that much longer for one message in 50; 0: none
};

/// The wires between the parties of a world. A message keeps its order on its link. It is lost when
/// its way is cut or either process is gone, and never alone: this is TCP, so what is dropped below
/// comes later, and what is behind it waits.
class VirtualNetwork {
 public:
  using Deliver = std::function<void(const MessageArrived&, const SharedBytes&)>;
  /// Looks at a message as it is sent.
  using Watch = std::function<void(PartyId from, PartyId to, Plane plane, ByteView message)>;
  VirtualNetwork(VirtualClock& clock, Rng rng) : clock_(clock), rng_(rng) {}

  /// A process begins. Its earlier links are gone.
  void start(PartyId party, Deliver deliver);
  void stop(PartyId party);
  void watch(Watch watch) { watch_ = std::move(watch); }

  NetworkConditions conditions;

  // Troubles are counted: a way is free again when all that began has ended.
  void cut(PartyId a, PartyId b);
  void heal(PartyId a, PartyId b);
  void cut_way(PartyId from, PartyId to) { ++ways_[{from, to}].cuts; }
  void heal_way(PartyId from, PartyId to);
  /// Whether nothing gets from one to the other and back just now.
  [[nodiscard]] bool is_apart(PartyId a, PartyId b) const {
    const auto is_cut = [this](PartyId from, PartyId to) {
      const auto way = ways_.find({from, to});
      return way != ways_.end() && way->second.cuts > 0;
    };
    return is_cut(a, b) || is_cut(b, a);
  }
  /// Nothing arrives until it is released; then everything does, in order.
  void hold_way(PartyId from, PartyId to) { ++ways_[{from, to}].holds; }
  void release_way(PartyId from, PartyId to);
  /// A message takes size / bytes_per_second longer, one after the other; 0: no limit.
  void clog_way(PartyId from, PartyId to, std::uint64_t bytes_per_second) {
    ways_[{from, to}].bytes_per_second = bytes_per_second;
  }
  /// From now on all bulk traffic of a party together leaves, and together arrives, at most so
  /// fast; 0: no limit. The control plane has no part in it.
  void limit_bulk(PartyId party, std::uint64_t bytes_per_second) {
    parties_[party].bulk_bytes_per_second = bytes_per_second;
  }
  /// The connections between two parties break and are made anew: what is under way is lost, and
  /// whoever was called sees a new link.
  void reset(PartyId a, PartyId b);
  void heal_all();

  [[nodiscard]] static Endpoint address_of(PartyId party, Plane plane);

  [[nodiscard]] LinkId open(PartyId from, Plane plane, const Endpoint& to);
  void close(PartyId party, LinkId link);
  [[nodiscard]] bool send(PartyId from, LinkId link, Bytes message, SharedBytes chunk);
  /// Sends to a process what its peer never meant to, over the control connection between the two.
  /// @returns false when there is none.
  bool send_in_name_of(PartyId from, PartyId to, Bytes message);

  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }
  [[nodiscard]] std::uint64_t messages_sent() const { return messages_sent_; }
  /// Chunks that reached a process over a link it opened or was called on, by party.
  [[nodiscard]] std::uint64_t chunks_to(PartyId party) const;

 private:
  struct Party {
    Deliver deliver;  // none: no process runs
    std::uint64_t life = 0;
    std::uint64_t last_link = 0;
    std::uint64_t bulk_bytes_per_second = 0;  // 0: no limit
    Instant sends_until{};                    // all that it was given so far has left by then
    Instant receives_until{};
  };
  struct Side {
    PartyId party = 0;
    std::uint64_t life = 0;
    LinkId link;  // 0: not known at this side yet
    Instant last_arrival{};
    Instant line_free_at{};
  };
  struct Wire {  // sides[0] opened it
    Plane plane = Plane::control;
    Side sides[2];
    bool is_closed = false;
    std::uint64_t connection = 0;  // counts resets
  };
  using WirePtr = std::shared_ptr<Wire>;
  struct Parcel {
    WirePtr wire;
    int to = 0;  // side
    std::uint64_t sender_life = 0;
    std::uint64_t connection = 0;
    Bytes message;
    SharedBytes chunk;
  };
  struct Way {
    std::uint32_t cuts = 0;
    std::uint32_t holds = 0;
    std::uint64_t bytes_per_second = 0;
    std::vector<Parcel> held;
  };
  using WayKey = std::pair<PartyId, PartyId>;

  void arrive(Parcel parcel);
  void deliver(const Parcel& parcel);
  [[nodiscard]] Way* way_of(const Parcel& parcel);
  [[nodiscard]] Instant arrival_of(Wire& wire, int to, std::size_t size);
  [[nodiscard]] Duration wait_for_lines(const Wire& wire, int to, std::size_t size);

  VirtualClock& clock_;
  Rng rng_;
  Watch watch_;
  std::map<PartyId, Party> parties_;
  std::map<std::pair<PartyId, LinkId>, std::pair<WirePtr, int>> ends_;  // and which side it is
  std::map<WayKey, Way> ways_;  // only those that ever had troubles
  std::map<PartyId, std::uint64_t> chunks_to_;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t messages_sent_ = 0;
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
  bool has_room(LinkId) const override { return true; }
  bool send_chunk(LinkId link, Bytes message, ChunkRef chunk) override {
    return network_.send(party_, link, std::move(message), chunks_.take(chunk));
  }

 private:
  VirtualNetwork& network_;
  ChunkPool& chunks_;
  PartyId party_;
};

}  // namespace pixmesh
