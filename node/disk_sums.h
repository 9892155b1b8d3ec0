#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "replication/operation.h"

namespace pixmesh {

/// Reads the sums of a node's disks, then tells them.
class DiskSums : public Operation {
 public:
  // Of each disk, in order; none: it has failed.
  using Summaries = std::vector<std::optional<DiskSummary>>;
  using Then = std::function<void(Instant, const Summaries&)>;
  /// @param disks  one partition of each disk
  DiskSums(OperationId id, std::vector<PartitionId> disks, Then then)
      : Operation(id), disks_(std::move(disks)), then_(std::move(then)) {}

  Effects start(Instant now) override { return ask_next(now); }
  Effects on_disk(Instant now, const Result<DiskAnswer>& answered) override {
    const auto* summary = answered ? std::get_if<DiskSummary>(&answered.value()) : nullptr;
    summaries_.emplace_back();
    if (summary != nullptr) summaries_.back() = *summary;
    return ask_next(now);
  }
  bool finished() const override { return told_; }

 private:
  // One after the other: an answer does not say which disk it is of.
  Effects ask_next(Instant now) {
    if (summaries_.size() < disks_.size()) return {UseDisk{disks_[summaries_.size()], Summarize{}}};
    then_(now, summaries_);
    told_ = true;
    return {};
  }

  std::vector<PartitionId> disks_;
  Then then_;
  Summaries summaries_;
  bool told_ = false;
};

}  // namespace pixmesh
