#include "node/learned_costs.h"

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
    if (const auto cost = decode_cost(value)) model_.restore(cost.value());
  }
  for (const std::string& name : model_.recipes()) written_[name] = *model_.cost_of(name);
}

void LearnedCosts::on_deadline(Instant now) {
  if (now < write_at_) return;
  write_at_ = now + write_every;
  std::vector<TableRow> rows;
  for (const std::string& name : model_.recipes()) {
    RecipeCost known = *model_.cost_of(name);
    if (written_[name] == known) continue;
    rows.push_back(fact_row(std::string(cost_key) + name, encode_cost(known)));
    written_[name] = std::move(known);
  }
  if (!rows.empty()) writer_.write(std::move(rows));
}

CostsAnswer LearnedCosts::page_of(const CostsRequest& request) const {
  constexpr std::size_t recipes_a_page = 100;
  CostsAnswer answer;
  answer.operation = request.operation;
  for (const std::string& name : model_.recipes()) {
    if (name <= request.after) continue;
    answer.more = answer.costs.size() == recipes_a_page;
    if (answer.more) break;
    answer.costs.push_back(*model_.cost_of(name));
  }
  return answer;
}

}  // namespace pixmesh
