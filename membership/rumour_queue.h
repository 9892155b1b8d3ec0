#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "membership/liveness_messages.h"

namespace pixmesh {

/// Rumours still to be told, at most one a member: a newer one replaces the older. Those told least
/// often go first, of equals the newest; each is told a bounded number of times.
/// Source: SWIM (Das, Gupta, Motivala 2002), section 4.1.
class RumourQueue {
 public:
  void add(const LivenessRumour& rumour);
  void forget(NodeId node);

  /// Moves up to `count` rumours behind `out` and counts them as told. A rumour told `limit` times
  /// is dropped. O(queued), less than a microsecond while few members change.
  void take(std::size_t count, std::uint32_t limit, std::vector<LivenessRumour>& out);

  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    LivenessRumour rumour;
    std::uint32_t told = 0;
    std::uint64_t order = 0;  // greater is newer
  };
  std::vector<Waiting> waiting_;
  std::uint64_t order_ = 0;
};

}  // namespace pixmesh
