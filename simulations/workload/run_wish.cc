#include "simulations/workload/run_wish.h"

namespace pixmesh {
namespace {

constexpr Duration route_patience = 12s;
constexpr Duration run_patience = 20s;
constexpr Duration output_patience = 10s;
constexpr std::uint32_t deadline_ms = 15'000;
const std::string recipe = "thumbnail";

}  // namespace

RunWish::RunWish(WishContext context, Event event)
    : Wish(context, std::move(event)),
      request_(context_.client.wire().fresh_request()),
      // Half of all storms are one run that many share, half are as many runs.
      force_(event_.kind == EventKind::storm && event_.number % 2 == 0) {}

void RunWish::begin() {
  const auto node = via(0);
  if (!node) return;
  auto self = std::static_pointer_cast<RunWish>(shared_from_this());
  RunRequest request;
  request.request = request_;
  request.name = event_.name;
  request.recipe = recipe;
  request.force = force_;
  request.start_kept = true;
  context_.client.ask(*node, request, route_patience,
                      [self](const Message* message) { self->on_candidates(message); });
}

void RunWish::on_candidates(const Message* message) {
  const auto* where = message == nullptr ? nullptr : std::get_if<RunCandidates>(message);
  if (where == nullptr || where->code != ErrorCode{}) return;
  where_ = *where;
  start(0);
}

void RunWish::start(std::size_t candidate) {
  if (candidate >= where_.candidates.size()) return;
  const std::uint32_t node = context_.world.number_of(where_.candidates[candidate].node);
  auto self = std::static_pointer_cast<RunWish>(shared_from_this());
  const auto ended = [self, candidate](const Message* message) {
    self->on_done(candidate, message);
  };
  if (where_.started) {
    context_.client.await(where_.operation, run_patience, ended);
    return waits_at(node);
  }
  RunStart wish;
  wish.request = request_;
  wish.input = where_.input;
  wish.recipe = recipe;
  wish.recipe_digest = where_.recipe_digest;
  wish.deadline_ms = deadline_ms;
  wish.force = force_;
  context_.client.ask(node, wish, run_patience, ended);
  waits_at(node);
}

void RunWish::waits_at(std::uint32_t node) {
  waits_for_ = node;
  keep_alive(node);
}

void RunWish::keep_alive(std::uint32_t node) {
  auto self = std::static_pointer_cast<RunWish>(shared_from_this());
  context_.client.after(1s, [self, node] {
    if (self->waits_for_ != node) return;
    self->context_.client.tell(node, RunAlive{self->request_});
    self->keep_alive(node);
  });
}

void RunWish::on_done(std::size_t candidate, const Message* message) {
  waits_for_.reset();
  const auto* done = message == nullptr ? nullptr : std::get_if<RunDone>(message);
  if (done != nullptr && done->code == ErrorCode{}) {
    const bool whole = !done->output.empty() && done->output.size() == done->output_size;
    if (whole) return deliver(candidate, done->output);
    return fetch(candidate, done->output_size);
  }
  if (done != nullptr && done->code == ErrorCode::tool_failed) return;  // never tried elsewhere
  start(candidate + 1);
}

void RunWish::fetch(std::size_t candidate, std::uint64_t size) {
  StreamOpen open;
  open.run = request_;
  open.size = size;
  auto self = std::static_pointer_cast<RunWish>(shared_from_this());
  const std::uint32_t node = context_.world.number_of(where_.candidates[candidate].node);
  context_.client.receive(
      node, std::move(open), output_patience,
      [self, candidate](const ReceiveCourse* course) { self->on_output(candidate, course); });
}

void RunWish::on_output(std::size_t candidate, const ReceiveCourse* course) {
  const std::uint32_t node = context_.world.number_of(where_.candidates[candidate].node);
  if (course != nullptr && course->complete) return deliver(candidate, course->bytes);
  context_.client.tell(node, RunCancel{request_});
  start(candidate + 1);
}

void RunWish::deliver(std::size_t candidate, const Bytes& output) {
  const std::uint32_t node = context_.world.number_of(where_.candidates[candidate].node);
  context_.client.tell(node, RunCancel{request_});
  ++delivered_;
  context_.observer.on_run({event_.name, node, where_.input, output, delivered_});
}

}  // namespace pixmesh
