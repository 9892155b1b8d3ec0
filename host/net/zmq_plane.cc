#include "host/net/zmq_plane.h"

#include <utility>

#include "host/system/clocks.h"
#include "host/system/signals.h"

namespace pixmesh {
namespace {

constexpr Duration sweep_interval = 1s;
constexpr Duration send_rest_max = 1s;

}  // namespace

ZmqPlane::ZmqPlane(PlaneOptions options, ChunkStore& chunks, EventSink& sink)
    : budget_(options.plane, options.limits, counts_),
      links_(options, chunks, sink, budget_, counts_),
      next_sweep_(monotonic_now() + sweep_interval) {}

Result<Done> ZmqPlane::bind(const Endpoint& at) {
  if (at.text.empty()) return Done{};
  auto bound = links_.bind(at);
  if (!bound) return bound.error();
  bound_ = std::move(bound).value();
  return Done{};
}

LinkId ZmqPlane::open(const Endpoint& to) {
  const LinkId link = budget_.add_link();
  command(OpenLink{link, to});
  return link;
}

void ZmqPlane::close(LinkId link) {
  budget_.remove_link(link);
  command(CloseLink{link});
}

bool ZmqPlane::send(LinkId link, Bytes message, ChunkStore::Chunk chunk) {
  const std::uint64_t chunk_bytes = chunk ? chunk->size() : 0;
  const std::uint64_t bytes = message.size() + chunk_bytes;
  auto charged = budget_.charge(link, std::move(message), chunk_bytes);
  if (!charged) return false;
  Outgoing outgoing{std::move(*charged), std::move(chunk), bytes, monotonic_now()};
  command(SendOnLink{link, std::move(outgoing)});
  return true;
}

void ZmqPlane::carry_out(Command& next) {
  if (auto* opened = std::get_if<OpenLink>(&next)) links_.open(opened->link, opened->to);
  if (auto* closed = std::get_if<CloseLink>(&next)) links_.close(closed->link);
  if (auto* sent = std::get_if<SendOnLink>(&next)) {
    links_.send(sent->link, std::move(sent->outgoing));
  }
}

void ZmqPlane::serve_links(int wake_fd, Duration timeout) {
  const Instant before = monotonic_now();
  links_.wait(wake_fd, std::min(timeout, next_sweep_ - before));
  links_.serve();
  const Instant now = monotonic_now();
  if (now < next_sweep_) return;
  links_.sweep(now);
  next_sweep_ = now + sweep_interval;
}

void ZmqPlane::send_rest(int wake_fd) {
  links_.stop_receiving();
  const Instant deadline = monotonic_now() + send_rest_max;
  while (budget_.queued_bytes() > 0 && monotonic_now() < deadline) {
    links_.wait(wake_fd, 5ms);
    links_.serve();
  }
  links_.shut(budget_.queued_bytes() == 0);
}

// --- In the loop

LoopPlane::LoopPlane(PlaneOptions options, ChunkStore& chunks, EventQueue& events)
    : ZmqPlane(options, chunks, events), events_(events) {}

Result<std::unique_ptr<ZmqPlane>> LoopPlane::start(PlaneOptions options, const Endpoint& bind,
                                                   ChunkStore& chunks, EventQueue& events) {
  std::unique_ptr<LoopPlane> plane(new LoopPlane(options, chunks, events));
  if (auto bound = plane->bind(bind); !bound) return bound.error();
  events.serve_while_waiting(plane.get());
  return std::unique_ptr<ZmqPlane>(std::move(plane));
}

void LoopPlane::stop() {
  if (std::exchange(stopped_, true)) return;
  events_.serve_while_waiting(nullptr);
  const WakeFd nobody;
  send_rest(nobody.fd());
}

void LoopPlane::command(Command next) {
  if (!stopped_) carry_out(next);
}

// --- With a thread

Result<std::unique_ptr<ZmqPlane>> ThreadPlane::start(PlaneOptions options, const Endpoint& bind,
                                                     ChunkStore& chunks, EventSink& sink) {
  std::unique_ptr<ThreadPlane> plane(new ThreadPlane(options, chunks, sink));
  if (auto bound = plane->bind(bind); !bound) return bound.error();
  plane->thread_ = start_quiet_thread([running = plane.get()] { running->run(); });
  return std::unique_ptr<ZmqPlane>(std::move(plane));
}

void ThreadPlane::command(Command next) {
  {
    const std::scoped_lock lock(mutex_);
    if (stop_asked_) return;
    commands_.push_back(std::move(next));
    if (commands_.size() > 1) return;  // the thread was woken for the first and has not looked yet
  }
  wake_.wake();
}

void ThreadPlane::stop() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    stop_asked_ = true;
  }
  wake_.wake();
  thread_.join();
}

bool ThreadPlane::carry_out_commands() {
  wake_.clear();
  std::vector<Command> commands;
  bool running = false;
  {
    const std::scoped_lock lock(mutex_);
    commands.swap(commands_);
    running = !stop_asked_;
  }
  for (Command& next : commands) carry_out(next);
  return running;
}

void ThreadPlane::run() {
  while (carry_out_commands()) serve_links(wake_.fd(), 1h);
  send_rest(wake_.fd());
}

}  // namespace pixmesh
