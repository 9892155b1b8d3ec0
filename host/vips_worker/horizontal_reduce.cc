#include "host/vips_worker/horizontal_reduce.h"

#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "host/vips_worker/held.h"

namespace pixmesh {
namespace {

constexpr int lobes = 3;         // of the kernel, on either side
constexpr int positions = 64;    // of a mask between two samples
constexpr int points_max = 256;  // of a mask; a larger one is left to libvips
constexpr int lanes = 8;         // samples that are multiplied at one time
constexpr int fraction_bits = 12;

int (*build_theirs)(VipsObject*) = nullptr;

using Samples = std::vector<std::int16_t>;

/// How one image becomes narrower.
struct Reduction {
  Held<VipsImage> in;  // with what lies beyond its edges; it lives as long as the result
  double factor = 1;
  double offset = 0;  // of the first sample
  int points = 0;
  int padded = 0;  // the same, up to whole lanes; what is above `points` is zero in a mask
  std::array<Samples, positions + 1> masks{};
};

int points_of(double factor) { return 2 * static_cast<int>(std::rint(lobes * factor)) + 1; }

double lanczos(double x) {
  if (x == 0.0) return 1.0;
  if (x < -lobes || x > lobes) return 0.0;
  return static_cast<double>(lobes) * std::sin(VIPS_PI * x) *
         std::sin(VIPS_PI * x / static_cast<double>(lobes)) / (VIPS_PI * VIPS_PI * x * x);
}

/// The weights of the samples when the middle lies `position` behind one of them.
Samples mask_at(double position, const Reduction& reduction) {
  const double middle = position + reduction.points / 2.0 - 1;
  std::vector<double> weights;
  double sum = 0;
  for (int i = 0; i < reduction.points; ++i) {
    weights.push_back(lanczos((i - middle) / reduction.factor));
    sum += weights.back();
  }
  Samples mask(static_cast<std::size_t>(reduction.padded));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    mask[i] = static_cast<std::int16_t>(weights[i] / sum * (1 << fraction_bits));
  }
  return mask;
}

VipsPel rounded(int sum) {
  constexpr int half = 1 << (fraction_bits - 1);
  return static_cast<VipsPel>(std::clamp((sum + half) >> fraction_bits, 0, 255));
}

/// Each band of a row by itself, `stride` apart.
void split_bands(const VipsPel* row, int width, int bands, std::int16_t* into, int stride) {
  for (int x = 0; x < width; ++x) {
    for (int band = 0; band < bands; ++band) into[band * stride + x] = *row++;
  }
}

/// One sample of each band: the sum of samples times mask.
void weigh(const std::int16_t* samples, int stride, int bands, const std::int16_t* mask, int count,
           VipsPel* out) {
  for (int band = 0; band < bands; ++band) {
    int sum = 0;
    for (int i = 0; i < count; ++i) sum += samples[band * stride + i] * mask[i];
    out[band] = rounded(sum);
  }
}

#ifdef __SSE2__

__m128i load(const void* place) { return _mm_loadu_si128(static_cast<const __m128i*>(place)); }
__m128i upper_half(__m128i all) { return _mm_unpackhi_epi64(all, all); }

void store_wide(__m128i bytes, std::int16_t* into) {
  const __m128i zero = _mm_setzero_si128();
  _mm_storeu_si128(reinterpret_cast<__m128i*>(into), _mm_unpacklo_epi8(bytes, zero));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(into + 8), _mm_unpackhi_epi8(bytes, zero));
}

/// As `split_bands` of three. Of 48 bytes in a row, every second one comes from their second half:
/// four such shuffles bring each third byte to its neighbours.
void split_three(const VipsPel* row, int width, std::int16_t* into, int stride) {
  int x = 0;
  for (; x + 16 <= width; x += 16) {
    const VipsPel* from = row + 3 * x;
    __m128i a = load(from), b = load(from + 16), c = load(from + 32);
    for (int shuffle = 0; shuffle < 4; ++shuffle) {
      const __m128i first = _mm_unpacklo_epi8(a, upper_half(b));
      const __m128i second = _mm_unpacklo_epi8(upper_half(a), c);
      c = _mm_unpacklo_epi8(b, upper_half(c));
      a = first;
      b = second;
    }
    store_wide(a, into + x);
    store_wide(b, into + stride + x);
    store_wide(c, into + 2 * stride + x);
  }
  split_bands(row + 3 * x, width - x, 3, into + x, stride);
}

/// As `weigh` of three bands; `count` is a multiple of `lanes`.
void weigh_three(const std::int16_t* samples, int stride, const std::int16_t* mask, int count,
                 VipsPel* out) {
  __m128i a = _mm_setzero_si128(), b = a, c = a;
  for (int i = 0; i < count; i += lanes) {
    const __m128i weights = load(mask + i);
    a = _mm_add_epi32(a, _mm_madd_epi16(load(samples + i), weights));
    b = _mm_add_epi32(b, _mm_madd_epi16(load(samples + stride + i), weights));
    c = _mm_add_epi32(c, _mm_madd_epi16(load(samples + 2 * stride + i), weights));
  }
  const __m128i ab = _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
  const __m128i cc = _mm_add_epi32(_mm_unpacklo_epi32(c, c), _mm_unpackhi_epi32(c, c));
  __m128i sums = _mm_add_epi32(_mm_unpacklo_epi64(ab, cc), _mm_unpackhi_epi64(ab, cc));
  sums = _mm_add_epi32(sums, _mm_set1_epi32(1 << (fraction_bits - 1)));
  sums = _mm_packs_epi32(_mm_srai_epi32(sums, fraction_bits), sums);
  const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(sums, sums));
  std::memcpy(out, &bytes, 3);
}

#endif

/// A row, its bands apart, and where it begins in the image.
struct Row {
  Samples samples;
  int stride = 0;
  int left = 0;
};

template <typename Weigh>
void reduce_row(const Reduction& reduction, const Row& row, const VipsRect& wanted, VipsPel* out,
                int bands, Weigh weigh_bands) {
  double x = (wanted.left + 0.5) * reduction.factor - 0.5 - reduction.offset;
  for (int i = 0; i < wanted.width; ++i) {
    const int first = static_cast<int>(x) - row.left;
    const int halves = static_cast<int>(x * positions * 2) & (positions * 2 - 1);
    const Samples& mask = reduction.masks[static_cast<std::size_t>((halves + 1) >> 1)];
    weigh_bands(row.samples.data() + first, row.stride, mask.data(), reduction.padded, out);
    out += bands;
    x += reduction.factor;
  }
}

/// One row of the image to one row of the result.
void reduce_row(const Reduction& reduction, const VipsPel* from, int width, Row& row,
                const VipsRect& wanted, VipsPel* out) {
  const int bands = reduction.in.get()->Bands;
#ifdef __SSE2__
  if (bands == 3) {
    split_three(from, width, row.samples.data(), row.stride);
    reduce_row(reduction, row, wanted, out, bands, weigh_three);
    return;
  }
#endif
  split_bands(from, width, bands, row.samples.data(), row.stride);
  reduce_row(reduction, row, wanted, out, bands,
             [&](const std::int16_t* samples, int stride, const std::int16_t* mask, int count,
                 VipsPel* into) { weigh(samples, stride, bands, mask, count, into); });
}

int reduce_rows(VipsRegion* region, void* from, void*, void* how, gboolean*) {
  const Reduction& reduction = *static_cast<const Reduction*>(how);
  VipsRegion* source = static_cast<VipsRegion*>(from);
  const VipsRect& wanted = region->valid;
  VipsRect needed{};
  needed.left = static_cast<int>(wanted.left * reduction.factor - reduction.offset);
  needed.top = wanted.top;
  needed.width = static_cast<int>(wanted.width * reduction.factor + reduction.points);
  needed.height = wanted.height;
  if (vips_region_prepare(source, &needed) != 0) return -1;
  const VipsRect& there = source->valid;
  Row row{{}, there.width + lanes, there.left};
  row.samples.resize(static_cast<std::size_t>(reduction.in.get()->Bands * row.stride));
  for (int y = wanted.top; y < wanted.top + wanted.height; ++y) {
    reduce_row(reduction, VIPS_REGION_ADDR(source, there.left, y), there.width, row, wanted,
               VIPS_REGION_ADDR(region, wanted.left, y));
  }
  return 0;
}

void forget(VipsImage*, Reduction* reduction) { delete reduction; }

/// What `reduceh` was given.
struct Wish {
  Held<VipsImage> in;
  double factor = 1;
  double gap = 0;
  int kernel = VIPS_KERNEL_LANCZOS3;
};

void read_wish(VipsObject* object, Wish& wish) {
  g_object_get(object, "in", wish.in.place(), "hshrink", &wish.factor, "gap", &wish.gap, "kernel",
               &wish.kernel, nullptr);
}

int width_of(const Wish& wish) { return VIPS_ROUND_UINT(wish.in.get()->Xsize / wish.factor); }

bool is_ours(const Wish& wish) {
  const VipsImage* in = wish.in.get();
  return in != nullptr && in->BandFmt == VIPS_FORMAT_UCHAR && in->Coding == VIPS_CODING_NONE &&
         wish.kernel == VIPS_KERNEL_LANCZOS3 && wish.factor > 1 &&
         (wish.gap == 0 || wish.gap >= 1) && width_of(wish) >= 1;
}

/// By how much whole samples are brought together before, which is faster and less exact.
int whole_factor(const Wish& wish) {
  if (wish.gap == 0) return 1;
  const double each = static_cast<double>(wish.in.get()->Xsize) / width_of(wish) / wish.gap;
  return std::max(1, static_cast<int>(std::floor(each)));
}

std::unique_ptr<Reduction> reduction_of(const Wish& wish, int whole) {
  auto reduction = std::make_unique<Reduction>();
  reduction->factor = wish.factor / whole;
  reduction->points = points_of(reduction->factor);
  if (reduction->factor == 1 || reduction->points > points_max) return nullptr;
  reduction->padded = (reduction->points + lanes - 1) / lanes * lanes;
  // What the result has more than the image, or less, is shared out to both sides.
  const double invented = (width_of(wish) * wish.factor - wish.in.get()->Xsize) / whole;
  reduction->offset = (1 + invented) / 2.0 - 1;
  for (std::size_t i = 0; i < reduction->masks.size(); ++i) {
    reduction->masks[i] = mask_at(static_cast<double>(i) / positions, *reduction);
  }
  return reduction;
}

bool give_rows(std::unique_ptr<Reduction> reduction, VipsImage* from, int width, VipsImage* out) {
  if (vips_embed(from, reduction->in.place(), (reduction->points + 1) / 2 - 1, 0,
                 from->Xsize + reduction->points, from->Ysize, "extend", VIPS_EXTEND_COPY,
                 nullptr) != 0 ||
      vips_image_pipelinev(out, VIPS_DEMAND_STYLE_THINSTRIP, reduction->in.get(), nullptr) != 0) {
    return false;
  }
  out->Xsize = width;
  Reduction* kept = reduction.release();
  g_signal_connect(out, "close", G_CALLBACK(forget), kept);
  if (vips_image_generate(out, vips_start_one, reduce_rows, vips_stop_one, kept->in.get(), kept) !=
      0) {
    return false;
  }
  vips_reorder_margin_hint(out, kept->points);
  return true;
}

int build(VipsObject* object) {
  Wish wish;
  read_wish(object, wish);
  if (!is_ours(wish)) return build_theirs(object);
  const int whole = whole_factor(wish);
  auto reduction = reduction_of(wish, whole);
  if (reduction == nullptr) return build_theirs(object);
  auto* parent = VIPS_OBJECT_CLASS(g_type_class_peek_parent(VIPS_OBJECT_GET_CLASS(object)));
  if (parent->build(object) != 0) return -1;
  Held<VipsImage> out, shrunk;
  g_object_get(object, "out", out.place(), nullptr);
  VipsImage* in = wish.in.get();
  if (whole > 1) {
    if (vips_shrinkh(in, shrunk.place(), whole, "ceil", TRUE, nullptr) != 0) return -1;
    in = shrunk.get();
  }
  return give_rows(std::move(reduction), in, width_of(wish), out.get()) ? 0 : -1;
}

}  // namespace

void use_horizontal_reduce() {
  const GType type = vips_type_find("VipsOperation", "reduceh");
  const bool has_vectors = vips_version(0) > 8 || vips_version(1) > 14;
  if (type == 0 || has_vectors || build_theirs != nullptr) return;
  auto* of = VIPS_OBJECT_CLASS(g_type_class_ref(type));
  build_theirs = of->build;
  of->build = build;
}

}  // namespace pixmesh
