#pragma once

#include <vector>

#include "base/rng.h"
#include "simulations/scenario/scenario.h"

namespace pixmesh {

/// What clients want during the safety phase of a scenario whose nodes are set already, in order of
/// time: a mix of S1 writes under new names, S2 reads among them, S3 one name written and read over
/// and over, S4 put, delete, put, S5 listings, S6 runs of a tool, each on or off by the seed.
struct ClientFaults {
  bool any = false;      // clients say things twice at once, go away, and come in storms
  bool repeats = false;  // they say again later what was acknowledged
};
[[nodiscard]] std::vector<Event> draw_operations(Rng rng, const Scenario& scenario,
                                                 const ClientFaults& client_faults);

}  // namespace pixmesh
