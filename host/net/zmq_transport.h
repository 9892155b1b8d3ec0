#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "base/transport.h"
#include "host/net/zmq_plane.h"

namespace pixmesh {

struct ZmqTransportOptions {
  Endpoint control_bind;  // number or `*`, and port; port 0 takes a free one; empty: do not listen
  Endpoint bulk_bind;
  PlaneOptions control{.plane = Plane::control};
  PlaneOptions bulk{.plane = Plane::bulk,
                    // 64 chunks a link; a transfer's credit is 4
                    .limits = {.plane_bytes_max = 256ULL << 20,
                               .link_bytes_max = 66ULL << 20,
                               .link_count_max = 64},
                    .receive_count_max = 8,
                    .unsent_max = 30s};
};

/// The transport over ZeroMQ. Each plane has sockets and an I/O thread of its own, so that 20 MB on
/// one never delays a probe on the other. The control plane is served by whoever waits for events;
/// the bulk plane, which touches every byte of an image, has a thread.
///
/// Frames: control is [message]; bulk is [message] or [message][chunk]. Anything else is dropped
/// and counted. A message over `message_bytes_max` costs its sender the connection.
/// What a link drops and why stands in `counts`. For the thread that waits for events, but for
/// `counts` and `queued_bytes`.
class ZmqTransport : public Transport {
 public:
  /// `chunks` and `events` outlive the transport.
  /// Errors: `failed`, "port 7600 on 127.0.0.1 is taken" or what else keeps it from listening.
  [[nodiscard]] static Result<std::unique_ptr<ZmqTransport>> start(ZmqTransportOptions options,
                                                                   ChunkStore& chunks,
                                                                   EventQueue& events);

  LinkId open(Plane plane, const Endpoint& to) override;
  void close(LinkId link) override;
  bool send(LinkId link, Bytes message) override;
  bool has_room(LinkId link) const override;
  bool send_chunk(LinkId link, Bytes message, ChunkRef chunk) override;

  /// Sends for at most 1 s what is still queued and ends; no event comes afterwards.
  /// The ports are free a moment later, when ZeroMQ's own threads have closed the listeners.
  void stop();

  /// Where a plane listens, with the port really taken; empty if nowhere.
  [[nodiscard]] const Endpoint& bound(Plane plane) const;
  [[nodiscard]] const TransportCounts& counts(Plane plane) const;
  /// Accepted by `send`, not yet with the kernel.
  [[nodiscard]] std::uint64_t queued_bytes(Plane plane) const;

 private:
  ZmqTransport(ChunkStore& chunks, std::unique_ptr<ZmqPlane> control,
               std::unique_ptr<ZmqPlane> bulk);
  [[nodiscard]] ZmqPlane& at(Plane plane) const;

  ChunkStore& chunks_;
  std::unique_ptr<ZmqPlane> control_;
  std::unique_ptr<ZmqPlane> bulk_;
};

}  // namespace pixmesh
