#pragma once

#include <memory>

#include "host/vips_worker/reduction.h"

namespace pixmesh {

/// Whether this processor has what makes it worth while: AVX2. Without, libvips's code is faster.
bool has_vertical_vectors();

/// libvips has no vector code for larger masks, and other weights without.
constexpr int vertical_points_max = 50;

/// As the vector code of libvips's `reducev`: weights of 6 bits whose sum is 64, added up in 16
/// bits. For processors with AVX2 only.
std::unique_ptr<Reduction> vertical_reduction(ReducePlan plan);

}  // namespace pixmesh
