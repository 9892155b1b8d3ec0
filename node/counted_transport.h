#pragma once

#include "base/transport.h"

namespace pixmesh {

/// Passes everything on and counts the bytes of what is sent to other processes, by what it is for.
class CountedTransport : public Transport {
 public:
  struct Sent {
    std::uint64_t membership = 0;  // who is there and who answers: gossip
    std::uint64_t repair = 0;      // holders compare what they have: anti-entropy, hints, moves
    std::uint64_t other = 0;       // clients' work and bulk, chunks included
    std::uint64_t messages = 0;    // of all three
  };

  explicit CountedTransport(Transport& real) : real_(real) {}

  LinkId open(Plane plane, const Endpoint& to) override { return real_.open(plane, to); }
  void close(LinkId link) override { real_.close(link); }
  bool send(LinkId link, Bytes message) override;
  bool has_room(LinkId link) const override { return real_.has_room(link); }
  bool send_chunk(LinkId link, Bytes message, ChunkRef chunk) override;

  [[nodiscard]] const Sent& sent() const { return sent_; }

 private:
  Transport& real_;
  Sent sent_;
};

}  // namespace pixmesh
