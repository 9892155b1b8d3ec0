#pragma once

#include <map>
#include <string>

#include "node/state_writer.h"
#include "processing/cost_model.h"
#include "wire/operator_messages.h"

namespace pixmesh {

/// Keeps what this node has learned of its recipes' costs over a restart, and tells it to who asks.
/// Each way of a recipe is one row of the state folder, `cost/<name> <way>`, written at most once a
/// minute: what the last minute taught may be lost, and is soon learned again.
class LearnedCosts {
 public:
  /// @param facts  of the state folder; @param model  outlives this.
  LearnedCosts(const TableRows& facts, CostModel& model, StateWriter& writer);

  /// Writes what has changed, when it is time.
  void on_deadline(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const { return write_at_; }

  [[nodiscard]] CostsAnswer page_of(const CostsRequest& request) const;

 private:
  CostModel& model_;
  StateWriter& writer_;
  Instant write_at_{};
  [[nodiscard]] std::map<std::string, RecipeCost> known() const;
  std::map<std::string, RecipeCost> written_;  // by key
};

}  // namespace pixmesh
