#pragma once

#include <string>

#include "simulations/world/virtual_disk.h"
#include "simulations/world/virtual_network.h"

namespace pixmesh {

/// Sees what happens in a world while it happens, and changes nothing. Nodes have their numbers.
class WorldWatch {
 public:
  WorldWatch() = default;
  WorldWatch(const WorldWatch&) = delete;
  WorldWatch& operator=(const WorldWatch&) = delete;
  virtual ~WorldWatch() = default;

  /// A node has handled an event and everything that followed inside it.
  virtual void on_step(std::uint32_t node) = 0;
  /// Before a record is written, or given up when `dropping`.
  virtual void on_record_changing(std::uint32_t node, const VirtualDisk::Key& key,
                                  const std::string& name, bool dropping) = 0;
  virtual void on_crashed(std::uint32_t node) = 0;
  virtual void on_sent(PartyId from, PartyId to, Plane plane, ByteView message) = 0;
};

}  // namespace pixmesh
