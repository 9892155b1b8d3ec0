#include "membership/liveness_messages.h"

namespace pixmesh {

std::string_view text_of(LifeState state) {
  switch (state) {
    case LifeState::alive:
      return "alive";
    case LifeState::suspect:
      return "suspect";
    case LifeState::dead:
      return "dead";
    case LifeState::left:
      return "left";
  }
  return "unknown";
}

}  // namespace pixmesh
