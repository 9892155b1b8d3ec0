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
      links_(options, chunks, sink, budget_, counts_) {}

Result<std::unique_ptr<ZmqPlane>> ZmqPlane::start(PlaneOptions options, const Endpoint& bind,
                                                  ChunkStore& chunks, EventSink& sink) {
  std::unique_ptr<ZmqPlane> plane(new ZmqPlane(options, chunks, sink));
  if (!bind.text.empty()) {
    auto bound = plane->links_.bind(bind);
    if (!bound) return bound.error();
    plane->bound_ = bound.value();
  }
  plane->thread_ = start_quiet_thread([running = plane.get()] { running->run(); });
  return plane;
}

ZmqPlane::~ZmqPlane() { stop(); }

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

void ZmqPlane::command(Command next) {
  {
    const std::scoped_lock lock(mutex_);
    if (stop_asked_) return;
    commands_.push_back(std::move(next));
    if (commands_.size() > 1) return;  // the thread was woken for the first and has not looked yet
  }
  wake_.wake();
}

void ZmqPlane::stop() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    stop_asked_ = true;
  }
  wake_.wake();
  thread_.join();
}

bool ZmqPlane::carry_out_commands() {
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

void ZmqPlane::carry_out(Command& next) {
  if (auto* opened = std::get_if<OpenLink>(&next)) links_.open(opened->link, opened->to);
  if (auto* closed = std::get_if<CloseLink>(&next)) links_.close(closed->link);
  if (auto* sent = std::get_if<SendOnLink>(&next)) {
    links_.send(sent->link, std::move(sent->outgoing));
  }
}

void ZmqPlane::run() {
  Instant next_sweep = monotonic_now() + sweep_interval;
  while (carry_out_commands()) {
    links_.serve();
    links_.wait(wake_.fd(), next_sweep - monotonic_now());
    const Instant now = monotonic_now();
    if (now < next_sweep) continue;
    links_.sweep(now);
    next_sweep = now + sweep_interval;
  }
  send_rest();
}

void ZmqPlane::send_rest() {
  links_.stop_receiving();
  const Instant deadline = monotonic_now() + send_rest_max;
  while (budget_.queued_bytes() > 0 && monotonic_now() < deadline) {
    links_.wait(wake_.fd(), 5ms);
    links_.serve();
  }
  links_.shut(budget_.queued_bytes() == 0);
}

}  // namespace pixmesh
