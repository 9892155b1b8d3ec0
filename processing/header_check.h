#pragma once

#include "base/image_header.h"
#include "base/result.h"
#include "processing/recipe.h"

namespace pixmesh {

/// Whether a tool may be started on an image with such a header. A recipe that accepts any bytes
/// takes what is no image and what is damaged, but its limits hold for what is known.
///
/// Errors, each naming what was found and the limit: usage — not a type that the recipe accepts;
/// denied — over a limit of the recipe, or a header that no decoder should see.
[[nodiscard]] Result<Done> check_header(const Recipe& recipe, const ImageHeader& header);

/// Width times height.
[[nodiscard]] std::uint64_t pixels_of(const ImageHeader& header);

/// A header of which only this is known: what a record says of its image.
[[nodiscard]] ImageHeader header_with(std::string type, std::uint32_t width, std::uint32_t height);

}  // namespace pixmesh
