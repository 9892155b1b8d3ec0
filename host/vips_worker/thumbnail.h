#pragma once

#include <vips/vips.h>

namespace pixmesh {

struct ThumbnailWish {
  int width = 1;  // of the box that it fits into, after its orientation is heeded; above 0
  int height = 1;
  bool no_rotate = false;
  bool linear = false;
};

/// What vipsthumbnail makes, for it calls this function of libvips.
/// @param image  gets it. @returns whether there is one; else libvips knows why not.
[[nodiscard]] bool make_thumbnail(VipsSource* source, const ThumbnailWish& wish, VipsImage** image);

/// The same from a JPEG of which less is decoded: the decoder shrinks by the largest of 2, 4 and 8
/// that leaves at least the wanted size, where libvips has it leave twice that size. The thumbnail
/// has the size, the orientation and the metadata of the other one; its pixels differ a little.
/// What is no JPEG or is resampled in linear light is done as above, and so is what the decoder is
/// to shrink by the same factor anyway.
[[nodiscard]] bool make_fast_thumbnail(VipsSource* source, const ThumbnailWish& wish,
                                       VipsImage** image);

}  // namespace pixmesh
