#include "ring/acceptance.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace pixmesh {
namespace {

class Acceptance {
 public:
  Acceptance(const Shares& shares, Preferences& preferences)
      : shares_(shares),
        preferences_(preferences),
        kept_(shares.caps.size()),
        assignment_(shares) {}

  [[nodiscard]] Assignment run() {
    for (std::uint32_t p = 0; p < shares_.partition_count; ++p) {
      waiting_.push_back(p);
      while (!waiting_.empty()) {
        const std::uint32_t partition = waiting_.back();
        waiting_.pop_back();
        propose(partition);
      }
    }
    return std::move(assignment_);
  }

 private:
  void propose(std::uint32_t partition) {
    while (!assignment_.full(partition)) {
      const std::optional<Ranked> choice =
          preferences_.next_choice(partition, assignment_.row_of(partition));
      if (!choice) return;
      consider(partition, *choice);
    }
  }

  void consider(std::uint32_t partition, Ranked choice) {
    const std::uint16_t node = number_in(choice);
    const Ranked proposal = ranked(key_in(choice), partition);
    std::vector<Ranked>& kept = kept_[node];
    if (kept.size() == shares_.caps[node]) {
      if (proposal > kept.front()) return preferences_.refuse(partition, choice);
      drop_worst(node);
    }
    kept.push_back(proposal);
    std::ranges::push_heap(kept);
    assignment_.add(partition, node);
  }

  void drop_worst(std::uint16_t node) {
    std::vector<Ranked>& kept = kept_[node];
    std::ranges::pop_heap(kept);
    const std::uint32_t loser = number_in(kept.back());
    preferences_.refuse(loser, ranked(key_in(kept.back()), node));
    kept.pop_back();
    assignment_.remove(loser, node);
    waiting_.push_back(loser);
  }

  const Shares& shares_;
  Preferences& preferences_;
  std::vector<std::vector<Ranked>> kept_;  // by node: a heap of ranked(key, partition), worst first
  std::vector<std::uint32_t> waiting_;     // partitions that lost a node
  Assignment assignment_;
};

}  // namespace

Assignment accept_within_caps(const Shares& shares, Preferences& preferences) {
  return Acceptance(shares, preferences).run();
}

}  // namespace pixmesh
