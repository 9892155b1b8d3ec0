#include "simulations/workload/sim_client.h"

namespace pixmesh {

SimClient::SimClient(MeshWorld& world, PartyId party, Rng rng)
    : world_(world), wire_(world.network(), rng, party) {
  wire_.on_news([this] { on_news(); });
}

void SimClient::ask(std::uint32_t via, Message message, Duration patience, Answered then) {
  Pending pending;
  pending.operation = wire_.send(via, std::move(message));
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
  pending_.emplace(key, std::move(pending));
  world_.clock().after(patience, [this, key] {
    auto late = pending_.extract(key);
    if (late) finish(std::move(late.mapped()));
  });
}

bool SimClient::is_over(const Pending& pending) const {
  if (pending.receive) return pending.receive->complete || pending.receive->end;
  return wire_.answer_of(pending.operation) != nullptr;
}

void SimClient::on_news() {
  std::vector<std::uint64_t> over;
  for (const auto& [key, pending] : pending_) {
    if (is_over(pending)) over.push_back(key);
  }
  for (const std::uint64_t key : over) {
    auto done = pending_.extract(key);
    if (done) finish(std::move(done.mapped()));
  }
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
