#pragma once

#include <cstddef>
#include <vector>

#include "base/time.h"

namespace pixmesh::studies {

/// Numbers of one kind, asked for their quantiles. Floating point, because they are only reported.
class Samples {
 public:
  void add(double value) {
    values_.push_back(value);
    sorted_ = false;
  }
  void add(Duration time) { add(std::chrono::duration<double>(time).count()); }  // in seconds

  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] bool empty() const { return values_.empty(); }
  /// The least value that at least this share of all does not exceed (nearest rank): the 0.99
  /// quantile of fewer than 100 samples is their greatest. 0 of no samples.
  /// @param share  above 0, at most 1.
  [[nodiscard]] double quantile(double share);
  [[nodiscard]] double mean() const;  // 0 of no samples

 private:
  std::vector<double> values_;
  bool sorted_ = true;
};

}  // namespace pixmesh::studies
