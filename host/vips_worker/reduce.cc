#include "host/vips_worker/reduce.h"

#include <vips/vector.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "host/vips_worker/horizontal_reduction.h"
#include "host/vips_worker/vertical_reduction.h"

namespace pixmesh {
namespace {

using Build = int (*)(VipsObject*);
Build build_narrower = nullptr;  // libvips's own
Build build_lower = nullptr;

/// What `reduceh` or `reducev` was given.
struct Wish {
  bool across = true;
  Held<VipsImage> in;
  double factor = 1;
  double gap = 0;
  int kernel = VIPS_KERNEL_LANCZOS3;
};

Wish wish_of(VipsObject* object, bool across) {
  Wish wish;
  wish.across = across;
  g_object_get(object, "in", wish.in.place(), across ? "hshrink" : "vshrink", &wish.factor, "gap",
               &wish.gap, "kernel", &wish.kernel, nullptr);
  return wish;
}

int side_before(const Wish& wish) {
  return wish.across ? wish.in.get()->Xsize : wish.in.get()->Ysize;
}

int side_after(const Wish& wish) { return VIPS_ROUND_UINT(side_before(wish) / wish.factor); }

bool is_ours(const Wish& wish) {
  const VipsImage* in = wish.in.get();
  return in != nullptr && in->BandFmt == VIPS_FORMAT_UCHAR && in->Coding == VIPS_CODING_NONE &&
         wish.kernel == VIPS_KERNEL_LANCZOS3 && wish.factor > 1 &&
         (wish.gap == 0 || wish.gap >= 1) && side_after(wish) >= 1;
}

/// By how much whole samples are brought together before, which is faster and less exact.
int whole_factor(const Wish& wish) {
  if (wish.gap == 0) return 1;
  const double each = static_cast<double>(side_before(wish)) / side_after(wish) / wish.gap;
  return std::max(1, static_cast<int>(std::floor(each)));
}

/// Without the image that is read; nothing if its mask leaves it to libvips.
std::optional<ReducePlan> plan_of(const Wish& wish, int whole) {
  ReducePlan plan;
  plan.across = wish.across;
  plan.factor = wish.factor / whole;
  plan.points = mask_points(plan.factor);
  plan.side = side_after(wish);
  const int points_max = wish.across ? horizontal_points_max : vertical_points_max;
  if (plan.factor == 1 || plan.points > points_max) return std::nullopt;
  // What the result has more than the image, or less, is shared out to both sides.
  const double invented = (plan.side * wish.factor - side_before(wish)) / whole;
  plan.offset = (1 + invented) / 2.0 - 1;
  return plan;
}

bool shrink(const Wish& wish, int whole, Held<VipsImage>& out) {
  VipsImage* in = wish.in.get();
  return (wish.across ? vips_shrinkh(in, out.place(), whole, "ceil", TRUE, nullptr)
                      : vips_shrinkv(in, out.place(), whole, "ceil", TRUE, nullptr)) == 0;
}

bool extend(VipsImage* in, ReducePlan& plan) {
  const int before = (plan.points + 1) / 2 - 1;
  const int x = plan.across ? before : 0, y = plan.across ? 0 : before;
  const int width = in->Xsize + (plan.across ? plan.points : 0);
  const int height = in->Ysize + (plan.across ? 0 : plan.points);
  return vips_embed(in, plan.in.place(), x, y, width, height, "extend", VIPS_EXTEND_COPY,
                    nullptr) == 0;
}

/// What of the image a part of the result needs.
VipsRect needed_for(const ReducePlan& plan, const VipsRect& wanted) {
  VipsRect needed = wanted;
  int& start = plan.across ? needed.left : needed.top;
  int& length = plan.across ? needed.width : needed.height;
  start = static_cast<int>(start * plan.factor - plan.offset);
  length = static_cast<int>(length * plan.factor + plan.points);
  return needed;
}

int fill_region(VipsRegion* wanted, void* from, void*, void* how, gboolean*) {
  const Reduction& reduction = *static_cast<const Reduction*>(how);
  VipsRegion* source = static_cast<VipsRegion*>(from);
  const VipsRect needed = needed_for(reduction.plan(), wanted->valid);
  if (vips_region_prepare(source, &needed) != 0) return -1;
  reduction.fill(source, wanted);
  return 0;
}

void forget(VipsImage*, Reduction* reduction) { delete reduction; }

/// `out` is computed by the reduction from now on, and owns it.
bool compute(std::unique_ptr<Reduction> reduction, VipsImage* out) {
  VipsImage* in = reduction->plan().in.get();
  if (vips_image_pipelinev(out, VIPS_DEMAND_STYLE_THINSTRIP, in, nullptr) != 0) return false;
  (reduction->plan().across ? out->Xsize : out->Ysize) = reduction->plan().side;
  Reduction* kept = reduction.release();
  g_signal_connect(out, "close", G_CALLBACK(forget), kept);
  if (vips_image_generate(out, vips_start_one, fill_region, vips_stop_one, in, kept) != 0) {
    return false;
  }
  vips_reorder_margin_hint(out, kept->plan().points);
  return true;
}

/// An image that is read from top to bottom is made so as well: rows may be wanted twice.
bool compute_in_order(std::unique_ptr<Reduction> reduction, VipsImage* out) {
  const Held<VipsImage> rows(vips_image_new());
  Held<VipsImage> ordered;
  return compute(std::move(reduction), rows.get()) &&
         vips_sequential(rows.get(), ordered.place(), "tile_height", 10, nullptr) == 0 &&
         vips_image_write(ordered.get(), out) == 0;
}

bool build_ours(VipsObject* object, const Wish& wish, ReducePlan plan, int whole) {
  auto* parent = VIPS_OBJECT_CLASS(g_type_class_peek_parent(VIPS_OBJECT_GET_CLASS(object)));
  if (parent->build(object) != 0) return false;
  Held<VipsImage> out, shrunk;
  g_object_get(object, "out", out.place(), nullptr);
  if (whole > 1 && !shrink(wish, whole, shrunk)) return false;
  if (!extend(whole > 1 ? shrunk.get() : wish.in.get(), plan)) return false;
  if (plan.across) return compute(horizontal_reduction(std::move(plan)), out.get());
  const bool in_order = vips_image_get_typeof(plan.in.get(), VIPS_META_SEQUENTIAL) != 0;
  const auto made = in_order ? compute_in_order : compute;
  return made(vertical_reduction(std::move(plan)), out.get());
}

int build(VipsObject* object, bool across, Build theirs) {
  const Wish wish = wish_of(object, across);
  if (!is_ours(wish)) return theirs(object);
  const int whole = whole_factor(wish);
  std::optional<ReducePlan> plan = plan_of(wish, whole);
  if (!plan) return theirs(object);
  return build_ours(object, wish, std::move(*plan), whole) ? 0 : -1;
}

/// Gives an operation of libvips another function to build it; its own, or nothing.
Build replace(const char* operation, Build ours) {
  const GType type = vips_type_find("VipsOperation", operation);
  if (type == 0) return nullptr;
  return std::exchange(VIPS_OBJECT_CLASS(g_type_class_ref(type))->build, ours);
}

}  // namespace

void use_own_reductions() {
  const bool has_vectors = vips_version(0) > 8 || vips_version(1) > 14;
  if (has_vectors || build_narrower != nullptr) return;
  build_narrower = replace("reduceh", [](VipsObject* o) { return build(o, true, build_narrower); });
  // Without vector code libvips's `reducev` has other weights.
  if (vips_vector_isenabled() == FALSE || !has_vertical_vectors()) return;
  build_lower = replace("reducev", [](VipsObject* o) { return build(o, false, build_lower); });
}

}  // namespace pixmesh
