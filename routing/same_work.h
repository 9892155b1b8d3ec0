#pragma once

#include <span>
#include <vector>

#include "base/ids.h"
#include "routing/holder_choice.h"

namespace pixmesh {

/// Whether a holder knows the result that a request is about. Kept as numbers on the wire.
enum class KnownWork : std::uint8_t {
  nothing = 0,
  going_on = 1,  // this very run goes on there: join it
  kept = 2,      // its result is there
  failed = 3,    // it, or its image, crashed the tool there: it is tried there, or nowhere
};

/// What a holder said of the work that a request is about.
struct WorkAnswer {
  NodeId node;
  KnownWork known = KnownWork::nothing;
  NodeId placed_at;      // another request for it was sent there a moment ago; zero: none
  bool claimed = false;  // another request for it is about to be placed, nobody knows where
};

/// The holder that keeps apart requests for the same work: the first of an order that is drawn from
/// the work, so that all routers ask the same one, and each holder is it for its share. Zero if
/// there are no nodes.
[[nodiscard]] NodeId arbiter_of(const Digest& work, std::span<const NodeId> nodes);

/// Where such a request should go, as far as the answers tell: a holder of `ranked` that keeps the
/// result, makes it, or that the arbiter saw another request go to. Zero: they do not.
[[nodiscard]] NodeId place_of_work(std::span<const Candidate> ranked,
                                   std::span<const WorkAnswer> answers);

/// The order in which holders should be tried, when requests for the same work are to meet:
///
///   where the result is, else where it is being made, else where the arbiter saw another request
///   go, else where it failed, else the best of `ranked`. When that is not certain (another one's
///   place is not known, or `late`: this choice took so long that others have stopped waiting for
///   it), the first of the order drawn from the work. Behind it the others in that order, so that
///   those who lose the first one meet again.
///
/// @param ranked  holders that can run it, the least loaded first
[[nodiscard]] std::vector<Candidate> in_order_of_work(const Digest& work,
                                                      std::vector<Candidate> ranked,
                                                      std::span<const WorkAnswer> answers,
                                                      bool late);

}  // namespace pixmesh
