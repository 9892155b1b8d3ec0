#include "simulations/workload/sim_client.h"

namespace pixmesh {

SimClient::SimClient(MeshWorld& world, PartyId party, Rng rng)
    : world_(world), wire_(world.network(), rng, party) {
  wire_.on_news({[this](OperationId operation) {
                   const auto key = by_operation_.find(operation);
                   if (key == by_operation_.end()) return;
                   if (auto done = close(key->second)) finish(std::move(*done));
                 },
                 [this](StreamId stream) {
                   const auto key = by_stream_.find(stream);
                   if (key == by_stream_.end()) return;
                   const ReceiveCourse& course = *pending_.at(key->second).receive;
                   if (!course.complete && !course.end) return;
                   if (auto done = close(key->second)) finish(std::move(*done));
                 }});
}

void SimClient::ask(std::uint32_t via, Message message, Duration patience, Answered then) {
  await(wire_.send(via, std::move(message)), patience, std::move(then));
}

void SimClient::await(OperationId operation, Duration patience, Answered then) {
  Pending pending;
  pending.operation = operation;
  pending.answered = std::move(then);
  add(std::move(pending), patience);
}

std::shared_ptr<PutCourse> SimClient::put(std::uint32_t via, const std::string& name,
                                          const Bytes& bytes, const PutWish& wish,
                                          Duration patience, Answered then) {
  Pending pending;
  pending.put = wire_.begin_put(via, name, bytes, wish);
  pending.operation = pending.put->request.operation;
  pending.answered = std::move(then);
  const auto course = pending.put;
  add(std::move(pending), patience);
  return course;
}

void SimClient::receive(std::uint32_t from, StreamOpen open, Duration patience, Received then) {
  Pending pending;
  pending.receive = wire_.begin_receive(from, std::move(open));
  pending.received = std::move(then);
  add(std::move(pending), patience);
}

void SimClient::after(Duration delay, std::function<void()> then) {
  world_.clock().after(delay, std::move(then));
}

void SimClient::add(Pending pending, Duration patience) {
  const std::uint64_t key = ++last_;
  if (pending.receive) {
    by_stream_.emplace(pending.receive->open.stream, key);
  } else {
    by_operation_.emplace(pending.operation, key);
  }
  pending_.emplace(key, std::move(pending));
  world_.clock().after(patience, [this, key] {
    if (auto late = close(key)) finish(std::move(*late));
  });
}

std::optional<SimClient::Pending> SimClient::close(std::uint64_t key) {
  auto open = pending_.extract(key);
  if (!open) return std::nullopt;
  if (open.mapped().receive) {
    by_stream_.erase(open.mapped().receive->open.stream);
  } else {
    by_operation_.erase(open.mapped().operation);
  }
  return std::move(open.mapped());
}

void SimClient::abandon_all() {
  pending_.clear();
  by_operation_.clear();
  by_stream_.clear();
}

void SimClient::finish(Pending pending) {
  if (pending.receive) {
    wire_.forget(pending.receive);
    const bool over = pending.receive->complete || pending.receive->end;
    return pending.received(over ? pending.receive.get() : nullptr);
  }
  const Message* answer = wire_.answer_of(pending.operation);
  const std::optional<Message> kept = answer == nullptr ? std::nullopt : std::optional(*answer);
  if (pending.put) {
    wire_.forget(pending.put);
  } else {
    wire_.forget(pending.operation);
  }
  pending.answered(kept ? &*kept : nullptr);
}

}  // namespace pixmesh
