#pragma once

#include <span>
#include <string>

#include "simulations/studies/report.h"

namespace pixmesh::studies {

/// The charts below each other as one SVG 1.1 document: axes with round ticks, a line with dots for
/// each series, a legend. It needs no style sheet, font or script from elsewhere. Points that are
/// no numbers, or not above 0 on a logarithmic axis, are left out.
[[nodiscard]] std::string svg_of(std::span<const Chart> charts);

}  // namespace pixmesh::studies
