#pragma once

#include "node/node.h"

// Only for the parts of Node.
namespace pixmesh {

template <typename Op, typename... Arguments>
void Node::begin(Instant now, Arguments&&... arguments) {
  Operation& added = operations_.add(
      std::make_unique<Op>(operations_.next_id(), std::forward<Arguments>(arguments)...));
  perform(now, added, added.start(now));
}

}  // namespace pixmesh
