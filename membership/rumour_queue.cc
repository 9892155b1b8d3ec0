#include "membership/rumour_queue.h"

#include <algorithm>

namespace pixmesh {

void RumourQueue::add(const LivenessRumour& rumour) {
  forget(rumour.node);
  waiting_.push_back(Waiting{rumour, 0, ++order_});
}

void RumourQueue::forget(NodeId node) {
  std::erase_if(waiting_, [node](const Waiting& one) { return one.rumour.node == node; });
}

void RumourQueue::take(std::size_t count, std::uint32_t limit, std::vector<LivenessRumour>& out) {
  const std::size_t taken = std::min(count, waiting_.size());
  const auto taken_end = waiting_.begin() + static_cast<std::ptrdiff_t>(taken);
  std::partial_sort(waiting_.begin(), taken_end, waiting_.end(),
                    [](const Waiting& a, const Waiting& b) {
                      return a.told != b.told ? a.told < b.told : a.order > b.order;
                    });
  for (auto one = waiting_.begin(); one != taken_end; ++one) {
    out.push_back(one->rumour);
    ++one->told;
  }
  std::erase_if(waiting_, [limit](const Waiting& one) { return one.told >= limit; });
}

}  // namespace pixmesh
