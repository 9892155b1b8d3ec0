#include "simulations/studies/measured_costs.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace pixmesh::studies {
namespace {

RecipeCost cost_of(const nlohmann::json& row) {
  RecipeCost cost;
  cost.recipe = row.at("recipe");
  cost.way = row.value("way", "");
  for (const nlohmann::json& told : row.at("points")) {
    CostPoint& point = cost.points.emplace_back();
    point.pixels = told.at("pixels");
    point.wall_micros = told.at("wall_micros");
    point.cpu_micros = told.at("cpu_micros");
    point.memory_bytes = told.at("memory_bytes");
    point.runs = told.at("runs");
  }
  return cost;
}

bool is_known(const RecipeCost& cost) {
  CostModel model(1s);
  model.restore(cost);
  return !model.recipes().empty();
}

}  // namespace

Result<std::vector<RecipeCost>> parse_costs(std::string_view text) {
  std::vector<RecipeCost> costs;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty()) continue;
    const Error wrong{ErrorCode::malformed, "line " + std::to_string(number) +
                                                " is not what 'pixmesh recipe cost --json' prints"};
    try {
      costs.push_back(cost_of(nlohmann::json::parse(line)));
    } catch (const nlohmann::json::exception&) {
      return wrong;
    }
    if (!is_known(costs.back())) return wrong;
  }
  if (costs.empty()) return Error{ErrorCode::malformed, "there are no costs in it"};
  return costs;
}

MeasuredWork::MeasuredWork(const std::vector<RecipeCost>& costs) {
  std::uint64_t runs = 0;
  for (const RecipeCost& cost : costs) {
    for (const CostPoint& point : cost.points) {
      kinds_.push_back({cost.recipe, cost.way, point.pixels,
                        std::chrono::microseconds(static_cast<std::int64_t>(point.wall_micros))});
      runs_until_.push_back(runs += point.runs);
    }
  }
}

Duration MeasuredWork::average() const {
  if (empty()) return {};
  Wide sum = 0;
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    sum += Wide{static_cast<std::uint64_t>(kinds_[i].time / 1ns)} * (runs_until_[i] - before);
    before = runs_until_[i];
  }
  return Duration(static_cast<std::int64_t>(sum / before));
}

const MeasuredWork::Kind& MeasuredWork::drawn(Rng& rng) const {
  const std::uint64_t place = rng.below(runs_until_.back());
  const auto found = std::ranges::upper_bound(runs_until_, place);
  return kinds_[static_cast<std::size_t>(found - runs_until_.begin())];
}

}  // namespace pixmesh::studies
