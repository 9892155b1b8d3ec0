#pragma once

#include <cstdint>
#include <map>

#include "base/ids.h"
#include "processing/cost_model.h"

namespace pixmesh {

/// What a run is expected to need at the most.
struct MemoryNeed {
  std::uint64_t bytes = 0;
  bool learned = false;  // from runs; else it is a cautious guess
  friend bool operator==(const MemoryNeed&, const MemoryNeed&) = default;
};

/// A quarter more than what runs of such images took so far, in just this way. Before the first
/// one: 64 MiB and 16 bytes a pixel, as a tool takes that unpacks the whole image with two bytes a
/// channel and keeps it twice, or what other ways of the recipe take if that is more.
/// @param held_a_pixel  as of ImageHeader: the need is at least 64 MiB and that.
/// @param most          what the tool is not allowed to exceed anyway; 0: not limited
[[nodiscard]] MemoryNeed memory_need_of(const CostEstimate& estimate, std::uint64_t pixels,
                                        std::uint32_t held_a_pixel, std::uint64_t most);

/// The memory that a node gives its tools, counted before they take it.
///
/// A need above the whole budget fits only when nobody else has any: then it runs alone. Whether it
/// may is for the owner to say.
/// Invariant: no more than the budget is out, each need counted at most as the whole budget.
class MemoryTokens {
 public:
  /// @param budget  bytes; 0: everything fits
  explicit MemoryTokens(std::uint64_t budget) : budget_(budget) {}

  [[nodiscard]] bool fits(std::uint64_t bytes) const;
  /// @param bytes  that fit.
  void take(RunId run, std::uint64_t bytes);
  void give_back(RunId run);  // unknown runs are ignored

  [[nodiscard]] std::uint64_t budget() const { return budget_; }
  [[nodiscard]] std::uint64_t taken() const { return taken_; }
  void check_invariants() const;

 private:
  std::uint64_t budget_;
  std::uint64_t taken_ = 0;
  std::map<RunId, std::uint64_t> holders_;
};

}  // namespace pixmesh
