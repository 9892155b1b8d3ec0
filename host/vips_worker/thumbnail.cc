#include "host/vips_worker/thumbnail.h"

#include <algorithm>

#include "host/vips_worker/held.h"

namespace pixmesh {
namespace {

struct Sides {
  int width = 0;
  int height = 0;
  friend bool operator==(const Sides&, const Sides&) = default;
};

Sides turned(const Sides& sides) { return {sides.height, sides.width}; }

/// How many times smaller each side becomes: alike, but no side less than one pixel.
struct Shrinks {
  double width = 1;
  double height = 1;
};

Shrinks shrinks_into(const Sides& box, const Sides& image) {
  const double both = std::max(double(image.width) / box.width, double(image.height) / box.height);
  return {std::min<double>(both, image.width), std::min<double>(both, image.height)};
}

int resampled(int side, double shrink) { return static_cast<int>(side * (1.0 / shrink) + 0.5); }

/// The size that libvips resamples the image to so that it fits.
Sides fitted(const Sides& box, const Sides& image) {
  const Shrinks shrinks = shrinks_into(box, image);
  return {resampled(image.width, shrinks.width), resampled(image.height, shrinks.height)};
}

/// The largest factor of the decoder that leaves `left` times the wanted size.
int decoder_shrink(double shrink, int left) {
  for (const int factor : {8, 4, 2}) {
    if (shrink >= factor * left) return factor;
  }
  return 1;
}

/// A last row or column that is no whole one is left out.
Sides decoded(const Sides& image, int factor) {
  return {image.width / factor, image.height / factor};
}

bool decoder_shrinks(VipsSource* source) {
  const char* loader = vips_foreign_find_load_source(source);
  if (loader == nullptr) vips_error_clear();
  return loader != nullptr && vips_isprefix("VipsForeignLoadJpeg", loader) != FALSE;
}

VipsImage* open_shrunk(VipsSource* source, int factor) {
  return vips_image_new_from_source(source, "", "access", VIPS_ACCESS_SEQUENTIAL, "shrink", factor,
                                    nullptr);
}

/// The factors of the decoder, and what becomes of the picture.
struct Plan {
  Sides box;  // as the picture lies in the file
  bool turns = false;
  int usual = 1;
  int fast = 1;
  Sides result;  // by the usual way
};

Plan plan_of(VipsImage* header, const ThumbnailWish& wish) {
  Plan plan;
  const Sides whole{header->Xsize, header->Ysize};
  plan.box = {wish.width, wish.height};
  plan.turns = !wish.no_rotate && vips_image_get_orientation_swap(header) != FALSE;
  if (plan.turns) plan.box = turned(plan.box);
  const Shrinks shrinks = shrinks_into(plan.box, whole);
  const double shrink = std::min(shrinks.width, shrinks.height);
  plan.usual = decoder_shrink(shrink, 2);
  plan.fast = decoder_shrink(shrink, 1);
  plan.result = fitted(plan.box, decoded(whole, plan.usual));
  return plan;
}

}  // namespace

bool make_thumbnail(VipsSource* source, const ThumbnailWish& wish, VipsImage** image) {
  return vips_thumbnail_source(source, image, wish.width, "height", wish.height, "no_rotate",
                               wish.no_rotate ? TRUE : FALSE, "linear", wish.linear ? TRUE : FALSE,
                               nullptr) == 0;
}

bool make_fast_thumbnail(VipsSource* source, const ThumbnailWish& wish, VipsImage** image) {
  if (wish.linear || !decoder_shrinks(source)) return make_thumbnail(source, wish, image);
  Plan plan;
  {
    const Held<VipsImage> header(open_shrunk(source, 1));
    if (header.get() == nullptr) return false;
    plan = plan_of(header.get(), wish);
  }
  if (plan.fast == plan.usual) return make_thumbnail(source, wish, image);
  const Held<VipsImage> small(open_shrunk(source, plan.fast));
  if (small.get() == nullptr) return false;
  // What is left out may make it narrower or lower by a part of a pixel.
  const bool fits = fitted(plan.box, {small.get()->Xsize, small.get()->Ysize}) == plan.result;
  const Sides exact = plan.turns ? turned(plan.result) : plan.result;
  return vips_thumbnail_image(small.get(), image, fits ? wish.width : exact.width, "height",
                              fits ? wish.height : exact.height, "size",
                              fits ? VIPS_SIZE_BOTH : VIPS_SIZE_FORCE, "no_rotate",
                              wish.no_rotate ? TRUE : FALSE, nullptr) == 0;
}

}  // namespace pixmesh
