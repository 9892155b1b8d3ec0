#pragma once

#include "ring/assignment.h"
#include "ring/preferences.h"
#include "ring/shares.h"

namespace pixmesh {

/// Fills the slots that acceptance left free, moving as few others as it can.
///
/// For each free slot a breadth-first search over nodes: it starts at the nodes that fit the row;
/// from a full node n it goes on to every node that could take n's place in some row; the first
/// node below its cap ends it, and along the path each takes the place of the next.
/// This is matroid intersection (zone rule by rows, caps by nodes; Edmonds 1970): along a
/// shortest path the exchanges do not disturb one another, and a path exists as long as some
/// placement within the caps does, which shares.h makes sure of.
void fill_free_slots(const Shares& shares, const Preferences& preferences, Assignment& assignment);

}  // namespace pixmesh
