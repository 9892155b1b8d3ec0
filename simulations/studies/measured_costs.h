#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "processing/cost_model.h"

namespace pixmesh::studies {

/// Reads what `pixmesh recipe cost --json` prints: one object a line. The digests are left out: all
/// nodes of a study have the same recipes.
/// Errors: malformed — what is no such text, with the line.
[[nodiscard]] Result<std::vector<RecipeCost>> parse_costs(std::string_view text);

/// Work as a mesh has seen it: each of its ways and sizes as often as it ran.
class MeasuredWork {
 public:
  /// One kind of run.
  struct Kind {
    std::string_view recipe;
    std::string_view way;
    std::uint64_t pixels = 0;
    Duration time{};
  };

  /// @param costs  outlive this; empty: there is no work.
  explicit MeasuredWork(const std::vector<RecipeCost>& costs);

  [[nodiscard]] bool empty() const { return kinds_.empty(); }
  /// The average time of a run.
  [[nodiscard]] Duration average() const;
  [[nodiscard]] const Kind& drawn(Rng& rng) const;

 private:
  std::vector<Kind> kinds_;
  std::vector<std::uint64_t> runs_until_;  // of this kind and those before it
};

}  // namespace pixmesh::studies
