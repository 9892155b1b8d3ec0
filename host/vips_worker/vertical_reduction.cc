#include "host/vips_worker/vertical_reduction.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace pixmesh {
namespace {

constexpr int sum_bits = 6;
constexpr int whole = 1 << sum_bits;
constexpr int half = whole / 2;

Mask rounded(const std::vector<double>& weights, double scale) {
  Mask mask;
  for (const double weight : weights) {
    mask.push_back(static_cast<std::int16_t>(std::rint(weight * scale)));
  }
  return mask;
}

int sum_of(const Mask& mask) { return std::accumulate(mask.begin(), mask.end(), 0); }

/// The weights times the scale near 64 with which their sum is 64 when all are rounded, found by
/// halving; where there is none, what is missing goes to all alike and the rest to the first ones.
Mask mask_of(const std::vector<double>& weights) {
  const int count = static_cast<int>(weights.size());
  double low = whole - (count + 1) / 2, high = whole + (count + 1) / 2;
  Mask mask;
  do {
    const double middle = (high + low) / 2;
    mask = rounded(weights, middle);
    const int sum = sum_of(mask);
    if (sum == whole) return mask;
    (sum < whole ? low : high) = middle;
  } while (high - low > 0.01);
  const int missing = whole - sum_of(mask);
  for (int i = 0; i < count; ++i) {
    const int one = i < std::abs(missing % count) ? (missing > 0 ? 1 : -1) : 0;
    mask[static_cast<std::size_t>(i)] += static_cast<std::int16_t>(missing / count + one);
  }
  return mask;
}

// Without their signs the weights of a mask of at most 50 add up to 100 or less: no sum of 255
// times them leaves 16 bits, whatever their order.

/// A sample of each of some rows that follow each other, `stride` bytes apart.
struct Column {
  const VipsPel* first = nullptr;
  std::ptrdiff_t stride = 0;
};

VipsPel weigh(Column column, const Mask& mask) {
  int sum = half;
  for (const std::int16_t weight : mask) {
    sum += *column.first * weight;
    column.first += column.stride;
  }
  return static_cast<VipsPel>(std::clamp(sum >> sum_bits, 0, 255));
}

#ifdef __x86_64__

constexpr int columns_at_once = 64;

[[gnu::target("avx2")]] inline __m256i load(const VipsPel* place) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(place));
}

/// The weights of two rows, a byte each, for pairs of bytes of those rows.
[[gnu::target("avx2")]] inline __m256i pair_of(std::int16_t first, std::int16_t second) {
  return _mm256_set1_epi16(static_cast<std::int16_t>((first & 0xff) | second << 8));
}

[[gnu::target("avx2")]] inline void store(__m256i low, __m256i high, VipsPel* out) {
  const __m256i bytes =
      _mm256_packus_epi16(_mm256_srai_epi16(low, sum_bits), _mm256_srai_epi16(high, sum_bits));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), bytes);
}

/// As `weigh`, of `columns_at_once` columns side by side: two rows at a time.
[[gnu::target("avx2")]] void weigh_columns(Column columns, const Mask& mask, VipsPel* out) {
  __m256i a = _mm256_set1_epi16(half), b = a, c = a, d = a;
  for (std::size_t i = 0; i < mask.size(); i += 2) {
    const bool two = i + 1 < mask.size();
    const VipsPel* second = columns.first + (two ? columns.stride : 0);
    const __m256i weights = pair_of(mask[i], two ? mask[i + 1] : std::int16_t{0});
    const __m256i p = load(columns.first), q = load(second);
    const __m256i r = load(columns.first + 32), s = load(second + 32);
    a = _mm256_add_epi16(a, _mm256_maddubs_epi16(_mm256_unpacklo_epi8(p, q), weights));
    b = _mm256_add_epi16(b, _mm256_maddubs_epi16(_mm256_unpackhi_epi8(p, q), weights));
    c = _mm256_add_epi16(c, _mm256_maddubs_epi16(_mm256_unpacklo_epi8(r, s), weights));
    d = _mm256_add_epi16(d, _mm256_maddubs_epi16(_mm256_unpackhi_epi8(r, s), weights));
    columns.first += 2 * columns.stride;
  }
  store(a, b, out);
  store(c, d, out + 32);
}

#endif

/// One row of the result from rows of the image.
void weigh_rows(Column columns, int bytes, const Mask& mask, VipsPel* out) {
  int x = 0;
#ifdef __x86_64__
  for (; x + columns_at_once <= bytes; x += columns_at_once) {
    weigh_columns({columns.first + x, columns.stride}, mask, out + x);
  }
#endif
  for (; x < bytes; ++x) out[x] = weigh({columns.first + x, columns.stride}, mask);
}

class VerticalReduction : public Reduction {
 public:
  explicit VerticalReduction(ReducePlan given) : Reduction(std::move(given)) {
    for (std::size_t number = 0; number < masks_.size(); ++number) {
      masks_[number] = mask_of(weights_of(plan(), number));
    }
  }

  void fill(VipsRegion* source, VipsRegion* wanted) const override {
    const VipsRect& area = wanted->valid;
    double at = place_of(plan(), area.top);
    for (int y = area.top; y < area.top + area.height; ++y) {
      const auto [first, mask] = mask_place(at);
      weigh_rows({VIPS_REGION_ADDR(source, area.left, first), VIPS_REGION_LSKIP(source)},
                 area.width * plan().in.get()->Bands, masks_[mask],
                 VIPS_REGION_ADDR(wanted, area.left, y));
      at += plan().factor;
    }
  }

 private:
  Masks masks_;
};

}  // namespace

bool has_vertical_vectors() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

std::unique_ptr<Reduction> vertical_reduction(ReducePlan plan) {
  return std::make_unique<VerticalReduction>(std::move(plan));
}

}  // namespace pixmesh
