#include "node/learned_costs.h"

#include <algorithm>
#include <iterator>

#include "base/limits.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr Duration write_every = 60s;
constexpr std::string_view cost_key = "cost/";

}  // namespace

LearnedCosts::LearnedCosts(const TableRows& facts, CostModel& model, StateWriter& writer)
    : model_(model), writer_(writer) {
  for (const auto& [key, value] : facts.rows) {
    if (!text_of(key).starts_with(cost_key)) continue;
    // What cannot be read is learned anew.
    const auto cost = decode_cost(value);
    if (!cost) continue;
    written_.emplace(text_of(key), cost.value());
    model_.restore(cost.value());
  }
}

std::map<std::string, RecipeCost> LearnedCosts::known() const {
  std::map<std::string, RecipeCost> rows;
  for (const std::string& name : model_.recipes()) {
    for (RecipeCost& cost : model_.costs_of(name)) {
      const std::string way = cost.way.empty() ? "" : " " + cost.way;
      rows.emplace(std::string(cost_key) + name + way, std::move(cost));
    }
  }
  return rows;
}

void LearnedCosts::on_deadline(Instant now) {
  if (now < write_at_) return;
  write_at_ = now + write_every;
  std::vector<TableRow> rows;
  std::map<std::string, RecipeCost> now_known = known();
  for (const auto& [key, cost] : now_known) {
    const auto before = written_.find(key);
    if (before == written_.end() || before->second != cost) {
      rows.push_back(fact_row(key, encode_cost(cost)));
    }
  }
  for (const auto& [key, cost] : written_) {
    if (!now_known.contains(key)) rows.push_back(fact_row(key, std::nullopt));
  }
  written_ = std::move(now_known);
  if (!rows.empty()) writer_.write(std::move(rows));
}

CostsAnswer LearnedCosts::page_of(const CostsRequest& request) const {
  constexpr std::size_t rows_a_page = 100;  // or a few more: a recipe is not cut
  CostsAnswer answer;
  answer.operation = request.operation;
  for (const std::string& name : model_.recipes()) {
    if (name <= request.after) continue;
    answer.more = answer.costs.size() >= rows_a_page;
    if (answer.more) break;
    std::ranges::move(model_.costs_of(name), std::back_inserter(answer.costs));
  }
  return answer;
}

}  // namespace pixmesh
