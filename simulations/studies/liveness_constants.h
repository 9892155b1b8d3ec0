#pragma once

#include <string>
#include <vector>

#include "membership/liveness.h"

namespace pixmesh::studies {

/// A choice of constants for the one implementation of Liveness. What no constant can switch off
/// stays the same in all: the successor is probed every second time, a failed probe asks the target
/// once more itself, a doubted member is asked at once.
struct LivenessChoice {
  std::string name;
  LivenessOptions options;
};

/// The product's own.
[[nodiscard]] LivenessChoice pixmesh_constants();

/// Those of memberlist's DefaultLANConfig: probe 1 s, timeout 0.5 s, 3 indirect, suspicion
/// multiplier 4, most factor 6, gossip 0.2 s to 3, retransmit factor 4, awareness 8; two
/// confirmations (its multiplier less two). Its exchange of whole states every 30 s stands as a
/// probe of dead members every 30 s.
[[nodiscard]] LivenessChoice memberlist_constants();

/// `choice` without local health: no delays that grow with the own troubles.
[[nodiscard]] LivenessChoice without_health(LivenessChoice choice);
/// … and without the postponing of deadlines by a process that was held up.
[[nodiscard]] LivenessChoice without_forgiving(LivenessChoice choice);
/// … and with suspicions of a fixed length, whoever accuses: SWIM as in 2002.
[[nodiscard]] LivenessChoice without_confirmations(LivenessChoice choice);

}  // namespace pixmesh::studies
