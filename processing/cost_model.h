#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace pixmesh {

/// What one run took, as measured at its end.
struct RunCost {
  Duration wall{};
  Duration cpu{};                  // user and system, of all its processes
  std::uint64_t memory_bytes = 0;  // the most that was resident; 0: not known
  friend bool operator==(const RunCost&, const RunCost&) = default;
};

/// A recipe and the way it is used: what decides, beside the size of the image, what a run takes.
/// The same recipe needs six times the memory for WebP that it needs for JPEG.
struct Work {
  std::string_view recipe;
  std::string_view way{};  // as of way_of; empty: not known
};

/// The way of a Work: the form of the image, "jpeg" or "png held", and what was chosen.
/// @param type          of the image; empty: not known
/// @param held_a_pixel  as of ImageHeader.
/// @param choices       of its parameters and further steps, as a node renders them.
[[nodiscard]] std::string way_of(std::string_view type, std::uint32_t held_a_pixel,
                                 std::string_view choices);

/// What a run will probably take here.
struct CostEstimate {
  std::uint64_t wall_micros = 0;   // 1 … 2^40
  std::uint64_t cpu_micros = 0;    // 0: not known
  std::uint64_t memory_bytes = 0;  // seldom exceeded; 0: not known
  bool of_others = false;          // this way never ran; see CostModel
  friend bool operator==(const CostEstimate&, const CostEstimate&) = default;
};

/// What images of about one size took: those of 2^(n-1) to 2^n - 1 pixels.
struct CostPoint {
  std::uint64_t pixels = 0;        // the average of those that ran
  std::uint64_t wall_micros = 0;   // averages
  std::uint64_t cpu_micros = 0;    //
  std::uint64_t memory_bytes = 0;  // near the upper end of what was seen
  std::uint64_t runs = 0;          // counted to 2^32
  friend bool operator==(const CostPoint&, const CostPoint&) = default;
};

/// One way of a recipe, by size of image.
struct RecipeCost {
  std::string recipe;
  Digest digest;                  // of the recipe that was measured: another one starts anew
  std::vector<CostPoint> points;  // by size, ascending; at most cost_points_max
  std::string way{};
  friend bool operator==(const RecipeCost&, const RecipeCost&) = default;
};

inline constexpr std::size_t cost_points_max = 64;  // as many powers of two as pixels may have
inline constexpr std::size_t cost_ways_max = 64;    // of one recipe

/// What the recipes cost on this node, each way of them by the pixels of the image, learned from
/// every run that ended well. Integers only: the same runs give the same estimates everywhere.
///
///   run ──► its way ──► the point of its size ──► averages of time, upper end of memory
///   estimate: the line between the two nearest points; beyond them, the line goes on
///
/// A point is an exponentially weighted average, the newest of n runs counting 1/n, and 1/16 from
/// the sixteenth on. Once four runs are known a run counts at most four times the average and at
/// least a quarter of it, so that one run on a stalled disk does not move a point by more than a
/// quarter. Memory rises by half of what a run was above it, and falls by 1/64 of what it was
/// below.
///
/// One eighth (as TCP smooths round trips, RFC 6298) is too restless where times vary: requests go
/// to holders for a moment's luck, and `pixmesh-sim routing` shows p99 5 % higher at load 0.9.
///
/// It starts knowing nothing: until a recipe has run, every estimate is `before_any`. Of a way that
/// never ran the least time is expected that its recipe takes in another way, for what is believed
/// too slow is never tried, and the most memory. Beyond `cost_ways_max` the way that was learned
/// from least lately is forgotten.
class CostModel {
 public:
  /// @param before_any  what to expect of a recipe that never ran here; > 0.
  explicit CostModel(Duration before_any);

  /// @param pixels  of the image; 0: not known, which is a size of its own.
  void add(const Work& work, const Digest& digest, std::uint64_t pixels, const RunCost& cost);

  [[nodiscard]] CostEstimate of(const Work& work, std::uint64_t pixels) const;

  /// What is known of a way of a recipe of this digest, as it was told by `costs_of` in an earlier
  /// life. What is no sound row is ignored.
  void restore(RecipeCost cost);
  /// Of each way, sorted by it.
  [[nodiscard]] std::vector<RecipeCost> costs_of(std::string_view recipe) const;
  [[nodiscard]] std::vector<std::string> recipes() const;  // sorted

  void check_invariants() const;

 private:
  using Points = std::map<std::uint32_t, CostPoint>;  // by the bits of `pixels`
  struct Way {
    Points points;
    std::uint64_t learned_at = 0;  // by `runs_`
  };
  struct Learned {
    Digest digest;
    std::map<std::string, Way, std::less<>> ways;
  };
  [[nodiscard]] static CostEstimate estimate(const Points& points, std::uint64_t pixels);
  [[nodiscard]] static Way& way_of(Learned& learned, std::string_view name);

  std::uint64_t before_any_micros_;
  std::uint64_t runs_ = 0;
  std::map<std::string, Learned, std::less<>> recipes_;  // at most as many as a recipe book holds
};

}  // namespace pixmesh
