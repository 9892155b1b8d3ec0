#include "processing/cost_model.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "base/invariant.h"
#include "base/rng.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t cost_micros_max = 1ULL << 40;  // 12 days
constexpr std::uint64_t pixels_max = 1ULL << 62;
constexpr std::uint64_t memory_max = 1ULL << 60;
constexpr std::uint64_t runs_max = 1ULL << 32;
constexpr std::size_t recipes_max = 1'000;
constexpr std::uint64_t newest_share = 16;  // from so many runs on the newest counts 1/16
constexpr std::uint64_t sure_after = 4;     // runs, after which one far away is taken for chance
constexpr std::uint64_t far_away = 4;       // times the average

std::uint64_t micros_of_span(Duration span, std::uint64_t least) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(span).count();
  const auto positive = static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0));
  return std::clamp(positive, least, cost_micros_max);
}

/// Moves an average of `runs` earlier values towards `newest`, rounded to the nearest, so that it
/// can reach a steady value from both sides.
std::uint64_t averaged(std::uint64_t old, std::uint64_t newest, std::uint64_t runs) {
  const std::uint64_t share = std::min(runs + 1, newest_share);
  return static_cast<std::uint64_t>((Wide{old} * (share - 1) + newest + share / 2) / share);
}

std::uint64_t averaged_time(std::uint64_t old, std::uint64_t newest, std::uint64_t runs) {
  if (runs >= sure_after)
    newest = std::clamp(newest, old / far_away, std::max<std::uint64_t>(old, 1) * far_away);
  return averaged(old, newest, runs);
}

std::uint64_t upper_end(std::uint64_t old, std::uint64_t newest) {
  constexpr std::uint64_t fall = 64;
  if (old == 0 || newest == 0) return std::max(old, newest);
  if (newest > old) return old + (newest - old + 1) / 2;
  return old - (old - newest) / fall;
}

/// The value at `at` on the line through two points, x1 < x2. Where the line would leave what is
/// sensible it stops: a smaller image costs something, and a larger one at least as much and at
/// most in proportion.
std::uint64_t on_line(std::uint64_t x1, std::uint64_t y1, std::uint64_t x2, std::uint64_t y2,
                      std::uint64_t at, std::uint64_t most) {
  const std::uint64_t low = std::min(y1, y2);
  const std::uint64_t high = std::max(y1, y2);
  if (at >= x1 && at <= x2) {
    const Wide share = Wide{high - low} * (y2 >= y1 ? at - x1 : x2 - at);
    return low + static_cast<std::uint64_t>(share / (x2 - x1));
  }
  if (y2 <= y1) return at < x1 ? y1 : y2;
  if (at < x1) {
    const Wide down = Wide{y2 - y1} * (x1 - at) / (x2 - x1);
    const auto proportion = static_cast<std::uint64_t>(Wide{y1} * at / x1);
    return down >= y1 - proportion ? proportion : y1 - static_cast<std::uint64_t>(down);
  }
  const Wide up = Wide{y2 - y1} * (at - x2) / (x2 - x1) + y2;
  const Wide proportion = Wide{y2} * at / std::max<std::uint64_t>(x2, 1);
  return static_cast<std::uint64_t>(std::min({up, proportion, Wide{most}}));
}

/// What a single point says of another size: larger in proportion, smaller the same.
CostEstimate scaled(const CostPoint& point, std::uint64_t pixels) {
  const auto grown = [&](std::uint64_t value, std::uint64_t most) {
    if (point.pixels == 0 || pixels <= point.pixels) return value;
    return static_cast<std::uint64_t>(std::min(Wide{value} * pixels / point.pixels, Wide{most}));
  };
  return {grown(point.wall_micros, cost_micros_max), grown(point.cpu_micros, cost_micros_max),
          grown(point.memory_bytes, memory_max)};
}

CostEstimate between(const CostPoint& a, const CostPoint& b, std::uint64_t pixels) {
  const auto line = [&](std::uint64_t CostPoint::*value, std::uint64_t most) {
    return on_line(a.pixels, a.*value, b.pixels, b.*value, pixels, most);
  };
  return {std::max<std::uint64_t>(1, line(&CostPoint::wall_micros, cost_micros_max)),
          line(&CostPoint::cpu_micros, cost_micros_max),
          line(&CostPoint::memory_bytes, memory_max)};
}

/// Where no line can be drawn. Of images of unknown size the largest known are expected.
CostEstimate from_one(std::uint64_t pixels, const std::map<std::uint32_t, CostPoint>& points) {
  const bool unknown = pixels == 0 && points.begin()->first == 0;
  return scaled(unknown ? points.begin()->second : std::prev(points.end())->second, pixels);
}

bool is_sound(const CostPoint& point) {
  return point.pixels <= pixels_max && point.wall_micros >= 1 &&
         point.wall_micros <= cost_micros_max && point.cpu_micros <= cost_micros_max &&
         point.memory_bytes <= memory_max && point.runs >= 1 && point.runs <= runs_max;
}

std::uint32_t size_class_of(std::uint64_t pixels) {
  return static_cast<std::uint32_t>(std::bit_width(pixels));
}

void learn(CostPoint& point, std::uint64_t pixels, const RunCost& cost) {
  point.pixels = averaged(point.pixels, pixels, point.runs);
  point.wall_micros = std::max<std::uint64_t>(
      1, averaged_time(point.wall_micros, micros_of_span(cost.wall, 1), point.runs));
  point.cpu_micros = averaged_time(point.cpu_micros, micros_of_span(cost.cpu, 0), point.runs);
  point.memory_bytes = upper_end(point.memory_bytes, std::min(cost.memory_bytes, memory_max));
  point.runs = std::min(point.runs + 1, runs_max);
}

}  // namespace

std::string way_of(std::string_view type, std::uint32_t held_a_pixel, std::string_view choices) {
  const std::string form(type.empty() ? "any" : type);
  return form + (held_a_pixel > 0 ? " held" : "") + std::string(choices);
}

CostModel::CostModel(Duration before_any) : before_any_micros_(micros_of_span(before_any, 1)) {
  invariant(before_any > Duration{}, "a run takes time");
}

void CostModel::add(const Work& work, const Digest& digest, std::uint64_t pixels,
                    const RunCost& cost) {
  auto found = recipes_.find(work.recipe);
  if (found == recipes_.end()) {
    if (recipes_.size() >= recipes_max) return;
    found = recipes_.emplace(std::string(work.recipe), Learned{digest, {}}).first;
  }
  if (found->second.digest != digest) found->second = {digest, {}};
  pixels = std::min(pixels, pixels_max);
  Way& way = way_of(found->second, work.way);
  way.learned_at = ++runs_;
  learn(way.points[size_class_of(pixels)], pixels, cost);
}

CostModel::Way& CostModel::way_of(Learned& learned, std::string_view name) {
  const auto found = learned.ways.find(name);
  if (found != learned.ways.end()) return found->second;
  if (learned.ways.size() >= cost_ways_max) {
    learned.ways.erase(std::ranges::min_element(
        learned.ways, {}, [](const auto& entry) { return entry.second.learned_at; }));
  }
  return learned.ways[std::string(name)];
}

CostEstimate CostModel::of(const Work& work, std::uint64_t pixels) const {
  const auto found = recipes_.find(work.recipe);
  if (found == recipes_.end()) return {.wall_micros = before_any_micros_};
  pixels = std::min(pixels, pixels_max);
  const auto& ways = found->second.ways;
  if (const auto way = ways.find(work.way); way != ways.end()) {
    return estimate(way->second.points, pixels);
  }
  CostEstimate others = estimate(ways.begin()->second.points, pixels);
  for (const auto& [name, way] : ways) {
    const CostEstimate one = estimate(way.points, pixels);
    others.wall_micros = std::min(others.wall_micros, one.wall_micros);
    others.cpu_micros = std::min(others.cpu_micros, one.cpu_micros);
    others.memory_bytes = std::max(others.memory_bytes, one.memory_bytes);
  }
  others.of_others = true;
  return others;
}

CostEstimate CostModel::estimate(const Points& points, std::uint64_t pixels) {
  const auto sized = points.upper_bound(0);  // the first whose size was known
  const bool one = std::next(points.begin()) == points.end();
  if (pixels == 0 || sized == points.end() || one) return from_one(pixels, points);
  if (std::next(sized) == points.end()) return scaled(sized->second, pixels);
  // The two points that the line goes through: around the size, or the two nearest on one side.
  auto right = points.lower_bound(size_class_of(pixels));
  const bool beside = right != points.end() && right->second.pixels < pixels;
  if (beside && std::next(right) != points.end()) ++right;
  if (right == points.end()) --right;
  if (right == sized) ++right;
  return between(std::prev(right)->second, right->second, pixels);
}

void CostModel::restore(RecipeCost cost) {
  if (cost.points.empty() || cost.points.size() > cost_points_max) return;
  if (!std::ranges::all_of(cost.points, is_sound)) return;
  if (recipes_.size() >= recipes_max && !recipes_.contains(cost.recipe)) return;
  Learned& learned = recipes_.try_emplace(cost.recipe, Learned{cost.digest, {}}).first->second;
  const bool room = learned.ways.size() < cost_ways_max && !learned.ways.contains(cost.way);
  if (learned.digest != cost.digest || !room) return;
  Points& points = learned.ways[cost.way].points;
  for (const CostPoint& point : cost.points) {
    points.insert_or_assign(size_class_of(point.pixels), point);
  }
}

std::vector<RecipeCost> CostModel::costs_of(std::string_view recipe) const {
  std::vector<RecipeCost> costs;
  const auto found = recipes_.find(recipe);
  if (found == recipes_.end()) return costs;
  for (const auto& [name, way] : found->second.ways) {
    RecipeCost& cost = costs.emplace_back();
    cost = {found->first, found->second.digest, {}, name};
    for (const auto& [size, point] : way.points) cost.points.push_back(point);
  }
  return costs;
}

std::vector<std::string> CostModel::recipes() const {
  std::vector<std::string> names;
  for (const auto& [name, learned] : recipes_) names.push_back(name);
  return names;
}

void CostModel::check_invariants() const {
  invariant(recipes_.size() <= recipes_max, "recipes are bounded");
  for (const auto& [name, learned] : recipes_) {
    invariant(!learned.ways.empty() && learned.ways.size() <= cost_ways_max,
              "a recipe that ran did so in a few ways");
    for (const auto& [way, known] : learned.ways) {
      invariant(!known.points.empty() && known.points.size() <= cost_points_max,
                "a way that ran has a few points");
      for (const auto& [size, point] : known.points) {
        invariant(is_sound(point), "a point is made of runs");
        invariant(size_class_of(point.pixels) == size, "a point lies among its sizes");
      }
    }
  }
}

}  // namespace pixmesh
