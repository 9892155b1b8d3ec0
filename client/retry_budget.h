#pragma once

#include <algorithm>
#include <cstdint>

namespace pixmesh {

/// How many runs may be tried anew after a failure of a node or of a link: one in ten of those
/// asked for, and a few saved ones, so that a single run may be tried anew too. When a mesh is in
/// trouble many retries at once would keep it there. A refusal and a failing tool are no reason to
/// retry. Counted in tenths.
class RetryBudget {
 public:
  void on_request() { tenths_ = std::min(tenths_ + 1, saved_max); }
  /// Whether one more try is allowed; it is then counted.
  [[nodiscard]] bool spend() {
    if (tenths_ < 10) return false;
    tenths_ -= 10;
    return true;
  }

 private:
  static constexpr std::uint32_t saved_max = 100;
  std::uint32_t tenths_ = saved_max;
};

}  // namespace pixmesh
