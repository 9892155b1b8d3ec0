#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/invariant.h"
#include "ring/shares.h"

namespace pixmesh {

/// A placement being made: rows that may still have free slots, and the loads they add up to.
class Assignment {
 public:
  explicit Assignment(const Shares& shares)
      : row_length_(shares.replicas),
        slots_(static_cast<std::size_t>(shares.partition_count) * shares.replicas),
        filled_(shares.partition_count),
        loads_(shares.caps.size()) {}

  [[nodiscard]] std::span<const std::uint16_t> row_of(std::uint32_t partition) const {
    return std::span(slots_).subspan(first_slot(partition), filled_[partition]);
  }
  [[nodiscard]] bool full(std::uint32_t partition) const {
    return filled_[partition] == row_length_;
  }
  [[nodiscard]] bool holds(std::uint32_t partition, std::uint16_t node) const {
    return std::ranges::find(row_of(partition), node) != row_of(partition).end();
  }
  [[nodiscard]] std::uint32_t load_of(std::uint16_t node) const { return loads_[node]; }

  void add(std::uint32_t partition, std::uint16_t node) {
    invariant(!full(partition), "a node is added only to a row with a free slot");
    slots_[first_slot(partition) + filled_[partition]++] = node;
    ++loads_[node];
  }
  void remove(std::uint32_t partition, std::uint16_t node) {
    const auto row = std::span(slots_).subspan(first_slot(partition), filled_[partition]);
    const auto place = std::ranges::find(row, node);
    invariant(place != row.end(), "only a node of the row is removed from it");
    *place = row.back();
    --filled_[partition];
    --loads_[node];
  }

  /// Every row ascending, one after the other. The assignment is used up.
  [[nodiscard]] std::vector<std::uint16_t> take_sorted_rows() {
    for (std::size_t p = 0; p < filled_.size(); ++p) {
      std::ranges::sort(std::span(slots_).subspan(p * row_length_, row_length_));
    }
    return std::move(slots_);
  }
  [[nodiscard]] std::vector<std::uint32_t> take_loads() { return std::move(loads_); }

 private:
  [[nodiscard]] std::size_t first_slot(std::uint32_t partition) const {
    return static_cast<std::size_t>(partition) * row_length_;
  }

  std::uint32_t row_length_;
  std::vector<std::uint16_t> slots_;
  std::vector<std::uint8_t> filled_;  // slots of each row in use
  std::vector<std::uint32_t> loads_;
};

}  // namespace pixmesh
