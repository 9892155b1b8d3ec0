#include "simulations/studies/churn_load.h"

namespace pixmesh::studies {
namespace {

constexpr std::uint32_t clients = 4;
constexpr std::uint32_t first_number = 1'000'000;  // contents unlike those stored at the start

}  // namespace

ChurnLoad::ChurnLoad(MeshWorld& world, Rng rng)
    : world_(world), workload_(world, oracle_, *this, clients, rng), number_(first_number) {}

void ChurnLoad::read(std::uint32_t via, const std::string& name) {
  Event event;
  event.kind = EventKind::get;
  event.node = via;
  event.peer = ++number_ % clients;
  event.number = number_;
  event.name = name;
  ++reads_;
  workload_.begin(event);
}

void ChurnLoad::write(std::uint32_t via, std::uint64_t bytes) {
  Event event;
  event.kind = EventKind::put;
  event.node = via;
  event.peer = ++number_ % clients;
  event.number = number_;
  event.name = "new" + std::to_string(number_);
  event.amount = static_cast<std::int64_t>(bytes);
  ++writes_;
  workload_.begin(event);
}

void ChurnLoad::on_write(const WriteSeen& seen) {
  if (!stored_.emplace(seen.write.name, world_.now()).second) return;
  write_times_.add(world_.now() - seen.write.begun);
}

void ChurnLoad::on_lookup(const LookupSeen& seen) {
  if (seen.answer == nullptr || seen.answer->code != ErrorCode{}) ++lookups_unanswered_;
}

void ChurnLoad::on_bytes(const BytesSeen& seen) {
  if (seen.bytes != nullptr) ++reads_done_;
}

}  // namespace pixmesh::studies
