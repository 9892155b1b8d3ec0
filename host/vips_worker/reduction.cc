#include "host/vips_worker/reduction.h"

#include <cmath>

namespace pixmesh {
namespace {

constexpr int lobes = 3;  // of the kernel, on either side

double lanczos(double x) {
  if (x == 0.0) return 1.0;
  if (x < -lobes || x > lobes) return 0.0;
  return static_cast<double>(lobes) * std::sin(VIPS_PI * x) *
         std::sin(VIPS_PI * x / static_cast<double>(lobes)) / (VIPS_PI * VIPS_PI * x * x);
}

}  // namespace

int mask_points(double factor) { return 2 * static_cast<int>(std::rint(lobes * factor)) + 1; }

std::vector<double> weights_of(const ReducePlan& plan, std::size_t mask) {
  const double position = static_cast<double>(mask) / mask_positions;
  const double middle = position + plan.points / 2.0 - 1;
  std::vector<double> weights;
  double sum = 0;
  for (int i = 0; i < plan.points; ++i) {
    weights.push_back(lanczos((i - middle) / plan.factor));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

}  // namespace pixmesh
