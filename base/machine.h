#pragma once

#include <concepts>
#include <optional>

#include "base/time.h"

namespace pixmesh {

/// The shape every protocol module has: events go in, effects come out, time is an event.
template <typename M>
concept Machine = requires(M machine, const M seen, Instant now) {
  { machine.on_deadline(now) } -> std::same_as<typename M::Effects>;
  { seen.next_deadline() } -> std::same_as<std::optional<Instant>>;
  { seen.check_invariants() } -> std::same_as<void>;
};

}  // namespace pixmesh
