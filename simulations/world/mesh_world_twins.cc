#include <utility>

#include "simulations/world/mesh_world.h"

// Nodes that are put back to an earlier state, and processes that run on a copy of one.
namespace pixmesh {

NodeContents MeshWorld::contents_of(std::uint32_t node) const {
  const NodeMachine& machine = *machines_[node];
  return {machine.disks->image(), machine.state->contents(), machine.kept_facts};
}

void MeshWorld::restore(std::uint32_t node, NodeContents contents) {
  invariant(!is_running(node), "only a node that does not run can be put back");
  NodeMachine& machine = *machines_[node];
  machine.disks->restore(std::move(contents.disks));
  machine.state->restore(std::move(contents.state));
  machine.kept_facts = std::move(contents.results);
}

NodeMachine& MeshWorld::machine_of(std::uint32_t number) {
  return is_node(number) ? *machines_[number] : *twins_.at(number);
}

void MeshWorld::start_twin(std::uint32_t node) {
  invariant(!has_twin(node), "a node has one twin at a time");
  const NodeMachine& original = *machines_[node];
  auto& place = twins_[twins_from + node];
  if (!place) {
    place = std::make_unique<NodeMachine>();
    place->number = twins_from + node;
    place->rng = rng_.split();
    give_disks(*place, 1);
  }
  NodeMachine& twin = *place;
  twin.key = original.key;
  twin.id = original.id;
  twin.zone = original.zone;
  twin.weight = original.weight;
  twin.capacity = original.capacity;
  twin.clock = original.clock;
  NodeContents copy = contents_of(node);
  twin.disks->restore(std::move(copy.disks));
  twin.state->restore(std::move(copy.state));
  twin.kept_facts = std::move(copy.results);
  start(twin.number);
}

void MeshWorld::end_twin(std::uint32_t node) {
  if (has_twin(node)) crash(twins_from + node);
}

bool MeshWorld::has_twin(std::uint32_t node) const {
  const auto twin = twins_.find(twins_from + node);
  return twin != twins_.end() && twin->second->is_running();
}

void MeshWorld::when_failed(std::function<void(std::uint32_t node, bool is_twin)> then) {
  on_failed_ = [then = std::move(then)](std::uint32_t number) {
    then(number % twins_from, !is_node(number));
  };
}

}  // namespace pixmesh
