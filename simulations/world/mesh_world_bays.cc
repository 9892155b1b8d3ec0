#include <utility>

#include "node/stored_rules.h"
#include "simulations/world/mesh_world.h"
#include "simulations/world/world_watch.h"
#include "wire/stored.h"

// The disks of the nodes: how they are made, and how they come and go while a node runs.
namespace pixmesh {

std::unique_ptr<VirtualDisk> MeshWorld::make_disk(NodeMachine& machine, std::uint32_t index) {
  const auto place = [this](ByteView record) -> Result<RecordPlace> {
    find_settings();
    if (!settings_) return Error{ErrorCode::malformed, "no mesh yet"};
    return place_stored(record, settings_->placement_key, settings_->partition_bits);
  };
  auto disk = std::make_unique<VirtualDisk>(clock_, machine.rng.split(),
                                            VirtualDisk::Options{index, admit_stored, place});
  if (!is_node(machine.number) || index == state_disk) return disk;
  // What is copied to a disk that is not in charge yet, or dropped from one that was, is no copy.
  disk->watch([this, number = machine.number, self = disk.get()](
                  const VirtualDisk::Key& key, const std::string& name, bool dropping) {
    if (watch_ == nullptr || is_stray(number, *self, key.first)) return;
    watch_->on_record_changing(number, key, name, dropping);
  });
  return disk;
}

// The later ones are larger.
void MeshWorld::give_disks(NodeMachine& machine, std::uint32_t count) {
  const auto id = static_cast<std::uint8_t>(machine.number % twins_from + 1);
  machine.disks = std::make_unique<MachineDisks>(
      clock_, id, [this, &machine] { return make_disk(machine, 0); });
  const std::uint64_t parts = std::uint64_t{count} * (count + 1) / 2;
  for (std::uint32_t i = 0; i < count; ++i) {
    (void)machine.disks->mount(machine.capacity_bytes() * (i + 1) / parts, true);
    if (i == 0) machine.state = make_disk(machine, state_disk);
  }
}

void MeshWorld::order_disk(std::uint32_t node, NodeCommand command, std::string folder,
                           std::uint64_t capacity_bytes) {
  CommandRequest request;
  request.command = command;
  request.path = std::move(folder);
  request.amount = capacity_bytes;
  (void)client_->send(node, request);
}

void MeshWorld::add_disk(std::uint32_t node, std::uint64_t capacity_bytes) {
  order_disk(node, NodeCommand::add_disk, machines_[node]->disks->mount(capacity_bytes, false),
             capacity_bytes);
}

void MeshWorld::replace_disk(std::uint32_t node, std::uint32_t place) {
  MachineDisks& disks = *machines_[node]->disks;
  const std::string folder = disks.replace(place);
  order_disk(node, NodeCommand::replace_disk, folder, disks.capacity_in(place));
}

void MeshWorld::remove_disk(std::uint32_t node, std::uint32_t place) {
  order_disk(node, NodeCommand::remove_disk, machines_[node]->disks->pull_out(place), 0);
}

// The only disk keeps its id, as an image made of it would.
void MeshWorld::lose_disk(std::uint32_t node, std::uint32_t place) {
  invariant(!is_running(node), "only a node that does not run can lose its disk so");
  MachineDisks& disks = *machines_[node]->disks;
  if (disks.count() == 1) return disks.at(0).restore({});
  (void)disks.replace(place);
}

}  // namespace pixmesh
