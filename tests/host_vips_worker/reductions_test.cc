#include <doctest/doctest.h>
#include <vips/vips.h>

#include <cstdint>
#include <ostream>
#include <random>
#include <vector>

#include "host/vips_worker/held.h"
#include "host/vips_worker/reduce.h"

namespace pixmesh {
namespace {

constexpr int cases = 800;

/// An image of noise and how it becomes smaller along one axis.
struct Reducing {
  int width = 1;
  int height = 1;
  int bands = 1;
  double factor = 1;
  double gap = 0;
  bool across = true;
  bool black_and_white = false;  // the largest sums there are
  bool in_order = false;         // read from top to bottom
  std::uint32_t seed = 0;
};

std::ostream& operator<<(std::ostream& out, const Reducing& one) {
  return out << (one.across ? "reduceh " : "reducev ") << one.width << "x" << one.height << "x"
             << one.bands << " by " << one.factor << ", gap " << one.gap;
}

Reducing draw(std::mt19937& random) {
  Reducing one;
  one.width = static_cast<int>(1 + random() % 300);
  one.height = static_cast<int>(1 + random() % 300);
  one.bands = static_cast<int>(1 + random() % 5);
  one.across = random() % 2 == 0;
  const int side = one.across ? one.width : one.height;
  const double most = random() % 4 == 0 ? 12 : 4;  // a whole factor now and then
  one.factor = 1 + most * static_cast<double>(random() % 1'000) / 1'000;
  if (random() % 4 == 0) one.factor = static_cast<int>(one.factor);
  if (one.factor > side) one.factor = side;
  one.gap = random() % 2 == 0 ? 0 : 1 + static_cast<double>(random() % 3);
  one.black_and_white = random() % 3 == 0;
  one.in_order = random() % 2 == 0;
  one.seed = static_cast<std::uint32_t>(random());
  return one;
}

std::vector<std::uint8_t> noise(const Reducing& one) {
  std::mt19937 random(one.seed);
  std::vector<std::uint8_t> samples(static_cast<std::size_t>(one.width * one.height * one.bands));
  for (std::uint8_t& sample : samples) {
    sample = static_cast<std::uint8_t>(one.black_and_white ? random() % 2 * 255 : random());
  }
  return samples;
}

std::vector<std::uint8_t> reduced(const Reducing& one) {
  const std::vector<std::uint8_t> samples = noise(one);
  const Held<VipsImage> in(vips_image_new_from_memory(samples.data(), samples.size(), one.width,
                                                      one.height, one.bands, VIPS_FORMAT_UCHAR));
  if (one.in_order) vips_image_set_int(in.get(), VIPS_META_SEQUENTIAL, 1);
  Held<VipsImage> out;
  const auto reduce = one.across ? vips_reduceh : vips_reducev;
  REQUIRE(reduce(in.get(), out.place(), one.factor, "gap", one.gap, nullptr) == 0);
  std::size_t size = 0;
  void* bytes = vips_image_write_to_memory(out.get(), &size);
  REQUIRE(bytes != nullptr);
  const auto* first = static_cast<const std::uint8_t*>(bytes);
  std::vector<std::uint8_t> result(first, first + size);
  g_free(bytes);
  return result;
}

}  // namespace

TEST_CASE("host_vips_worker: our reductions are libvips's own, to the last bit of any noise") {
  REQUIRE(VIPS_INIT("host_vips_worker_test") == 0);
  vips_cache_set_max(0);
  std::mt19937 random(20'261'201);
  std::vector<Reducing> all;
  std::vector<std::vector<std::uint8_t>> theirs;
  for (int i = 0; i < cases; ++i) {
    all.push_back(draw(random));
    theirs.push_back(reduced(all.back()));
  }
  use_own_reductions();
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(all[i]);
    CHECK(reduced(all[i]) == theirs[i]);
  }
  vips_shutdown();
}

}  // namespace pixmesh
