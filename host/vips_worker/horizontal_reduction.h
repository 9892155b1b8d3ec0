#pragma once

#include <memory>

#include "host/vips_worker/reduction.h"

namespace pixmesh {

/// Larger masks are left to libvips.
constexpr int horizontal_points_max = 256;

/// As libvips's `reduceh`: weights of 12 bits that are cut off.
std::unique_ptr<Reduction> horizontal_reduction(ReducePlan plan);

}  // namespace pixmesh
