#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace pixmesh {

/// A promise that was not kept.
struct Finding {
  std::string promise;  // "I4"
  std::string what;
  Instant at;
  std::vector<std::uint32_t> nodes;  // involved
};

/// Keeps the first broken promise of a run: what comes after it may only follow from it.
class Findings {
 public:
  void report(Finding finding) {
    if (!first_) first_ = std::move(finding);
  }
  [[nodiscard]] const std::optional<Finding>& first() const { return first_; }

  /// Something that is known to be short of its promise and does not end the run: counted.
  void count_shortfall() { ++shortfalls_; }
  [[nodiscard]] std::uint64_t shortfalls() const { return shortfalls_; }

 private:
  std::uint64_t shortfalls_ = 0;
  std::optional<Finding> first_;
};

}  // namespace pixmesh
