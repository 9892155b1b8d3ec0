#pragma once

#include <vips/vips.h>

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "host/vips_worker/held.h"

namespace pixmesh {

/// How an image becomes smaller along one axis, as libvips 8.14 does it: a sample of the result is
/// the weighted sum of `points` samples in a row (or column) of the image.
struct ReducePlan {
  bool across = true;  // narrower; otherwise lower
  Held<VipsImage> in;  // with what lies beyond its edges
  double factor = 1;   // above 1
  double offset = 0;   // of the first sample
  int points = 0;      // of a mask, odd
  int side = 0;        // of the result, along the axis
};

/// Of a mask between two samples.
constexpr int mask_positions = 64;

using Mask = std::vector<std::int16_t>;
using Masks = std::array<Mask, mask_positions + 1>;

/// Where the samples of one of the result begin in the image, and the number of their mask.
struct MaskPlace {
  int first = 0;
  std::size_t mask = 0;
};

/// `at` is the sample's place in the image as a real number; at least 0.
inline MaskPlace mask_place(double at) {
  const int halves = static_cast<int>(at * mask_positions * 2) & (mask_positions * 2 - 1);
  return {static_cast<int>(at), static_cast<std::size_t>((halves + 1) >> 1)};
}

/// The place in the image of a sample of the result; the next one's is `plan.factor` further.
inline double place_of(const ReducePlan& plan, int sample) {
  return (sample + 0.5) * plan.factor - 0.5 - plan.offset;
}

/// How many samples one of the result is made of.
int mask_points(double factor);

/// The weights of a mask, by its number; `plan.points` of them, whose sum is 1.
std::vector<double> weights_of(const ReducePlan& plan, std::size_t mask);

/// Computes samples of a result by a plan. Threads may use one at the same time.
class Reduction {
 public:
  explicit Reduction(ReducePlan plan) : plan_(std::move(plan)) {}
  Reduction(const Reduction&) = delete;
  Reduction& operator=(const Reduction&) = delete;
  virtual ~Reduction() = default;

  [[nodiscard]] const ReducePlan& plan() const { return plan_; }

  /// Fills `wanted`; `source` has all of the image that is needed for it.
  virtual void fill(VipsRegion* source, VipsRegion* wanted) const = 0;

 private:
  ReducePlan plan_;
};

}  // namespace pixmesh
