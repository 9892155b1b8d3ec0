#include "simulations/studies/samples.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/invariant.h"

namespace pixmesh::studies {

double Samples::quantile(double share) {
  invariant(share > 0 && share <= 1, "a quantile is a share of all samples");
  if (values_.empty()) return 0;
  if (!sorted_) std::ranges::sort(values_);
  sorted_ = true;
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(size())));
  return values_[std::max<std::size_t>(rank, 1) - 1];
}

double Samples::mean() const {
  if (values_.empty()) return 0;
  return std::accumulate(values_.begin(), values_.end(), 0.0) / static_cast<double>(size());
}

}  // namespace pixmesh::studies
