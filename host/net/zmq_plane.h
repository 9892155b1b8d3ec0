#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "host/net/plane_links.h"
#include "host/system/event_queue.h"
#include "host/system/wake_fd.h"

namespace pixmesh {

/// One plane of the transport: its sockets, and the door to them. Which thread owns the sockets is
/// its kind's business.
class ZmqPlane {
 public:
  ZmqPlane(const ZmqPlane&) = delete;
  ZmqPlane& operator=(const ZmqPlane&) = delete;
  virtual ~ZmqPlane() = default;

  [[nodiscard]] LinkId open(const Endpoint& to);
  /// Afterwards nothing more is posted for this link; what was, still waits in the sink.
  void close(LinkId link);
  /// @param chunk  goes behind the message; null for none.
  /// @returns false if the message was dropped at once; `counts` says why.
  [[nodiscard]] bool send(LinkId link, Bytes message, ChunkStore::Chunk chunk);

  /// Sends for at most 1 s what is still queued. Later sends go nowhere.
  virtual void stop() = 0;

  /// Where it listens, with the port really taken; empty if nowhere.
  [[nodiscard]] const Endpoint& bound() const { return bound_; }
  [[nodiscard]] const TransportCounts& counts() const { return counts_; }
  [[nodiscard]] bool has_room(LinkId link) const { return budget_.has_room(link); }
  [[nodiscard]] std::uint64_t queued_bytes() const { return budget_.queued_bytes(); }

 protected:
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
  /// Listens at `at` unless its text is empty (then only we open links). Errors: as `bind_router`.
  [[nodiscard]] Result<Done> bind(const Endpoint& at);

  /// Has the owner of the sockets carry it out.
  virtual void command(Command next) = 0;

  // For the owner of the sockets.
  void carry_out(Command& next);
  void serve_links(int wake_fd, Duration timeout);
  void send_rest(int wake_fd);

 private:
  TransportCounts counts_;
  SendBudget budget_;
  Endpoint bound_;
  PlaneLinks links_;
  Instant next_sweep_;
};

/// A plane that the loop thread serves while it waits for events: a message takes no other thread's
/// turn on its way in or out. All but `counts` and `queued_bytes` is for that thread.
class LoopPlane : public ZmqPlane, public LoopSource {
 public:
  /// `chunks` and `events` outlive the plane. Errors: as `bind_router`.
  [[nodiscard]] static Result<std::unique_ptr<ZmqPlane>> start(PlaneOptions options,
                                                               const Endpoint& bind,
                                                               ChunkStore& chunks,
                                                               EventQueue& events);
  ~LoopPlane() override { stop(); }
  void stop() override;
  void serve(int wake_fd, Duration timeout) override { serve_links(wake_fd, timeout); }

 private:
  LoopPlane(PlaneOptions options, ChunkStore& chunks, EventQueue& events);
  void command(Command next) override;

  EventQueue& events_;
  bool stopped_ = false;
};

/// A plane with a thread of its own, which takes chunks of images while the loop does other things.
///
///   loop thread --open/close/send--> commands --eventfd--> plane thread --> ZeroMQ
///   loop thread <--EventSink::post------------------------ plane thread <-- ZeroMQ
///
/// Every public function is safe from any thread and takes a lock only for moments.
class ThreadPlane : public ZmqPlane {
 public:
  /// Starts the thread. `chunks` and `sink` outlive the plane. Errors: as `bind_router`.
  [[nodiscard]] static Result<std::unique_ptr<ZmqPlane>> start(PlaneOptions options,
                                                               const Endpoint& bind,
                                                               ChunkStore& chunks, EventSink& sink);
  ~ThreadPlane() override { stop(); }
  /// Then the thread ends.
  void stop() override;

 private:
  using ZmqPlane::ZmqPlane;
  void command(Command next) override;
  bool carry_out_commands();  // false once stop was asked
  void run();

  WakeFd wake_;

  std::mutex mutex_;  // guards the next two
  std::vector<Command> commands_;
  bool stop_asked_ = false;

  std::thread thread_;
};

}  // namespace pixmesh
