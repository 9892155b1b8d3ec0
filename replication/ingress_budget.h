#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/invariant.h"

namespace pixmesh {

class IngressBudget;

/// The place of one stream in the budget, until it is destroyed.
class IngressSlot {
 public:
  IngressSlot(IngressSlot&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)) {}
  IngressSlot& operator=(IngressSlot&& other) noexcept {
    std::swap(budget_, other.budget_);
    return *this;
  }
  ~IngressSlot();

 private:
  friend IngressBudget;
  explicit IngressSlot(IngressBudget& budget) : budget_(&budget) {}
  IngressBudget* budget_;
};

/// The bytes that the streams into this node, of uploads and of commits that fetch, may have on
/// their way. Credit is the only way in, so memory stays bounded however many there are.
class IngressBudget {
 public:
  explicit IngressBudget(std::uint32_t chunks_max) : chunks_max_(chunks_max) {}
  /// @returns nothing if there is no room: the upload or commit is refused.
  [[nodiscard]] std::optional<IngressSlot> open() {
    if (streams_ >= chunks_max_) return std::nullopt;
    ++streams_;
    return IngressSlot(*this);
  }
  /// Chunks that each stream may have on its way now: fewer for each, the more there are.
  [[nodiscard]] std::uint32_t window() const {
    return std::clamp(chunks_max_ / std::max(streams_, 1U), 1U, window_max);
  }

 private:
  friend IngressSlot;
  static constexpr std::uint32_t window_max = 4;
  std::uint32_t chunks_max_;
  std::uint32_t streams_ = 0;
};

inline IngressSlot::~IngressSlot() {
  if (budget_ == nullptr) return;
  invariant(budget_->streams_ > 0, "a stream is closed once");
  --budget_->streams_;
}

}  // namespace pixmesh
