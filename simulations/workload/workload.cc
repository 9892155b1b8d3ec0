#include "simulations/workload/workload.h"

#include "base/digest.h"
#include "ring/partition.h"
#include "simulations/workload/forgery.h"
#include "simulations/workload/wish.h"

namespace pixmesh {

Workload::Workload(MeshWorld& world, Oracle& oracle, Observer& observer, std::uint32_t clients,
                   Rng rng)
    : world_(world), oracle_(oracle), observer_(observer), rng_(rng) {
  for (std::uint32_t i = 0; i <= clients; ++i) {
    clients_.push_back(
        std::make_unique<SimClient>(world_, MeshClient::first_party + 1 + i, rng_.split()));
  }
}

void Workload::begin(const Event& operation) {
  SimClient& client = *clients_[operation.peer % (clients_.size() - 1)];
  if (operation.kind == EventKind::garbage) return send_garbage(client, operation);
  if (operation.kind == EventKind::lie) return send_lie(operation);
  const std::int64_t times = operation.kind == EventKind::storm ? operation.amount : 1;
  for (std::int64_t i = 0; i < times; ++i) {
    wish_of({world_, client, oracle_, observer_, open_count_}, operation)->begin();
  }
}

void Workload::audit(const Event& read) {
  const auto wish = audit_of({world_, *clients_.back(), oracle_, observer_, open_count_}, read);
  wish->begin();
}

void Workload::send_garbage(SimClient& client, const Event& event) {
  if (!world_.is_running(event.node)) return;
  client.wire().send_raw(event.node, forgery_of(world_, event.node, event.number));
}

// The lie is about the one that comes after the liar, told to the one after that.
void Workload::send_lie(const Event& event) {
  const std::uint32_t count = world_.node_count();
  const std::uint32_t about = (event.node + 1) % count;
  const std::uint32_t told = (event.node + 2) % count;
  if (!world_.is_running(event.node) || told == event.node) return;
  (void)world_.network().send_in_name_of(event.node, told, lie_about(world_, about, event.number));
}

void Workload::ask_for_status() {
  for (const std::uint32_t node : world_.running()) {
    (void)clients_.back()->wire().send(node, StatusRequest{});
  }
}

}  // namespace pixmesh
