#include "ring/repair.h"

#include <array>
#include <span>
#include <vector>

#include "base/invariant.h"
#include "base/limits.h"

namespace pixmesh {
namespace {

constexpr std::uint32_t nowhere = ~std::uint32_t{0};

class Repair {
 public:
  Repair(const Shares& shares, const Preferences& preferences, Assignment& assignment)
      : shares_(shares),
        preferences_(preferences),
        assignment_(assignment),
        steps_(shares.caps.size()),
        scan_starts_(shares.caps.size()) {}

  void fill_one(std::uint32_t partition) {
    queue_.clear();
    for (Step& step : steps_) step = Step{};
    std::uint32_t last = visit(partition, nowhere, assignment_.row_of(partition));
    for (std::size_t next = 0; last == nowhere && next < queue_.size(); ++next) {
      last = visit_exchanges(queue_[next]);
    }
    invariant(last != nowhere, "a placement within the caps exists");
    shift_along_path(static_cast<std::uint16_t>(last));
  }

 private:
  struct Step {
    std::uint32_t into = nowhere;   // the row that the node enters
    std::uint32_t place = nowhere;  // the node whose place it takes there; nowhere: a free slot
  };

  /// Visits every node that fits `row` of `partition`, those it wants most first.
  /// @returns the first with room, or nowhere.
  std::uint32_t visit(std::uint32_t partition, std::uint32_t place,
                      std::span<const std::uint16_t> row) {
    for (const Ranked entry : preferences_.ranked_of(partition)) {
      if (visit_node(number_in(entry), partition, place, row)) return number_in(entry);
    }
    for (std::size_t node = 0; node < steps_.size(); ++node) {
      const auto index = static_cast<std::uint16_t>(node);
      if (visit_node(index, partition, place, row)) return index;
    }
    return nowhere;
  }

  bool visit_node(std::uint16_t node, std::uint32_t partition, std::uint32_t place,
                  std::span<const std::uint16_t> row) {
    if (steps_[node].into != nowhere || !shares_.fits(row, node)) return false;
    steps_[node] = Step{partition, place};
    queue_.push_back(node);
    return assignment_.load_of(node) < shares_.caps[node];
  }

  /// Visits every node that could take the place of `node` in one of its rows. The rows are
  /// scanned from where the last search for `node` found something: earlier ones are exhausted.
  std::uint32_t visit_exchanges(std::uint16_t node) {
    for (std::uint32_t i = 0; i < shares_.partition_count; ++i) {
      if (queue_.size() == steps_.size()) return nowhere;
      const std::uint32_t partition = (scan_starts_[node] + i) % shares_.partition_count;
      if (!assignment_.holds(partition, node)) continue;
      std::array<std::uint16_t, replicas_max> others{};
      std::size_t count = 0;
      for (const std::uint16_t other : assignment_.row_of(partition)) {
        if (other != node) others[count++] = other;
      }
      const std::uint32_t last = visit(partition, node, std::span(others).first(count));
      if (last == nowhere) continue;
      scan_starts_[node] = partition;
      return last;
    }
    return nowhere;
  }

  void shift_along_path(std::uint16_t last) {
    std::uint32_t node = last;
    while (node != nowhere) {
      const Step step = steps_[node];
      if (step.place != nowhere) {
        assignment_.remove(step.into, static_cast<std::uint16_t>(step.place));
      }
      assignment_.add(step.into, static_cast<std::uint16_t>(node));
      node = step.place;
    }
  }

  const Shares& shares_;
  const Preferences& preferences_;
  Assignment& assignment_;
  std::vector<Step> steps_;           // by node: how this search reached it
  std::vector<std::uint16_t> queue_;  // nodes in the order of their visit
  std::vector<std::uint32_t> scan_starts_;
};

}  // namespace

void fill_free_slots(const Shares& shares, const Preferences& preferences, Assignment& assignment) {
  Repair repair(shares, preferences, assignment);
  for (std::uint32_t p = 0; p < shares.partition_count; ++p) {
    while (!assignment.full(p)) repair.fill_one(p);
  }
}

}  // namespace pixmesh
