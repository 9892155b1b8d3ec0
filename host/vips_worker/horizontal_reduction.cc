#include "host/vips_worker/horizontal_reduction.h"

#include <algorithm>
#include <cstring>
#include <utility>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace pixmesh {
namespace {

constexpr int lanes = 8;  // samples that are multiplied at one time
constexpr int fraction_bits = 12;

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
  Mask samples;
  int stride = 0;
  int left = 0;
};

class HorizontalReduction : public Reduction {
 public:
  explicit HorizontalReduction(ReducePlan given);

  void fill(VipsRegion* source, VipsRegion* wanted) const override;

 private:
  template <typename Weigh>
  void reduce(const Row& row, const VipsRect& wanted, VipsPel* out, Weigh weigh_bands) const;
  void reduce(const VipsPel* from, int width, Row& row, const VipsRect& wanted, VipsPel* out) const;

  int bands_;
  int padded_;  // points of a mask up to whole lanes; what is above those of the plan is zero
  Masks masks_;
};

HorizontalReduction::HorizontalReduction(ReducePlan given)
    : Reduction(std::move(given)),
      bands_(plan().in.get()->Bands),
      padded_((plan().points + lanes - 1) / lanes * lanes) {
  for (std::size_t number = 0; number < masks_.size(); ++number) {
    for (const double weight : weights_of(plan(), number)) {
      masks_[number].push_back(static_cast<std::int16_t>(weight * (1 << fraction_bits)));
    }
    masks_[number].resize(static_cast<std::size_t>(padded_));
  }
}

template <typename Weigh>
void HorizontalReduction::reduce(const Row& row, const VipsRect& wanted, VipsPel* out,
                                 Weigh weigh_bands) const {
  double at = place_of(plan(), wanted.left);
  for (int i = 0; i < wanted.width; ++i) {
    const auto [first, mask] = mask_place(at);
    weigh_bands(row.samples.data() + first - row.left, row.stride, masks_[mask].data(), padded_,
                out);
    out += bands_;
    at += plan().factor;
  }
}

/// One row of the image to one row of the result.
void HorizontalReduction::reduce(const VipsPel* from, int width, Row& row, const VipsRect& wanted,
                                 VipsPel* out) const {
#ifdef __SSE2__
  if (bands_ == 3) {
    split_three(from, width, row.samples.data(), row.stride);
    reduce(row, wanted, out, weigh_three);
    return;
  }
#endif
  split_bands(from, width, bands_, row.samples.data(), row.stride);
  reduce(row, wanted, out,
         [this](const std::int16_t* samples, int stride, const std::int16_t* mask, int count,
                VipsPel* into) { weigh(samples, stride, bands_, mask, count, into); });
}

void HorizontalReduction::fill(VipsRegion* source, VipsRegion* wanted) const {
  const VipsRect& there = source->valid;
  const VipsRect& area = wanted->valid;
  Row row{{}, there.width + lanes, there.left};
  row.samples.resize(static_cast<std::size_t>(bands_ * row.stride));
  for (int y = area.top; y < area.top + area.height; ++y) {
    reduce(VIPS_REGION_ADDR(source, there.left, y), there.width, row, area,
           VIPS_REGION_ADDR(wanted, area.left, y));
  }
}

}  // namespace

std::unique_ptr<Reduction> horizontal_reduction(ReducePlan plan) {
  return std::make_unique<HorizontalReduction>(std::move(plan));
}

}  // namespace pixmesh
