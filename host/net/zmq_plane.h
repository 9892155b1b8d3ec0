#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "host/net/plane_links.h"
#include "host/system/wake_fd.h"

namespace pixmesh {

/// One plane of the transport: a thread that owns the plane's sockets, and the door to it.
///
///   loop thread --open/close/send--> commands --eventfd--> plane thread --> ZeroMQ
///   loop thread <--EventSink::post------------------------ plane thread <-- ZeroMQ
///
/// Every public function is safe from any thread and takes a lock only for moments.
class ZmqPlane {
 public:
  /// Starts the thread; listens at `bind` unless its text is empty (then only we open links).
  /// `chunks` and `sink` outlive the plane. Errors: as `bind_router`.
  [[nodiscard]] static Result<std::unique_ptr<ZmqPlane>> start(PlaneOptions options,
                                                               const Endpoint& bind,
                                                               ChunkStore& chunks, EventSink& sink);
  ZmqPlane(const ZmqPlane&) = delete;
  ZmqPlane& operator=(const ZmqPlane&) = delete;
  ~ZmqPlane();

  [[nodiscard]] LinkId open(const Endpoint& to);
  /// Afterwards nothing more is posted for this link; what was, still waits in the sink.
  void close(LinkId link);
  /// @param chunk  goes behind the message; null for none.
  /// @returns false if the message was dropped at once; `counts` says why.
  [[nodiscard]] bool send(LinkId link, Bytes message, ChunkStore::Chunk chunk);

  /// Sends for at most 1 s what is still queued, then ends the thread. Later sends go nowhere.
  void stop();

  /// Where it listens, with the port really taken; empty if nowhere.
  [[nodiscard]] const Endpoint& bound() const { return bound_; }
  [[nodiscard]] const TransportCounts& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t queued_bytes() const { return budget_.queued_bytes(); }

 private:
  struct OpenLink {
    LinkId link;
    Endpoint to;
  };
  struct CloseLink {
    LinkId link;
  };
  struct SendOnLink {
    LinkId link;
    Outgoing outgoing;
  };
  using Command = std::variant<OpenLink, CloseLink, SendOnLink>;

  ZmqPlane(PlaneOptions options, ChunkStore& chunks, EventSink& sink);
  void command(Command next);
  bool carry_out_commands();  // false once stop was asked
  void carry_out(Command& next);
  void run();
  void send_rest();

  TransportCounts counts_;
  SendBudget budget_;
  Endpoint bound_;
  WakeFd wake_;

  std::mutex mutex_;  // guards the next two
  std::vector<Command> commands_;
  bool stop_asked_ = false;

  PlaneLinks links_;  // the thread's own once it runs
  std::thread thread_;
};

}  // namespace pixmesh
