#include "node/ring_plan.h"

#include <algorithm>

#include "base/digest.h"
#include "base/limits.h"

namespace pixmesh {
namespace {

/// Sums over the partitions of two tables, one partition after the other.
class PlanSums {
 public:
  PlanSums(const PlanScene& scene, const PlacementTable& after) : scene_(scene), after_(after) {
    std::ranges::set_union(scene.before.nodes(), after.nodes(), std::back_inserter(nodes_));
    outcome_.shares.resize(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const NodeId node = nodes_[i];
      outcome_.shares[i].node = node;
      outcome_.shares[i].slots_before = scene.before.load_of(node);
      outcome_.shares[i].slots_after = after.load_of(node);
      const auto& placed = scene.before.nodes();
      const bool is_new = !std::binary_search(placed.begin(), placed.end(), node);
      const bool lives = std::binary_search(scene.alive.begin(), scene.alive.end(), node);
      living_.push_back(is_new || lives);
    }
    outcome_.replicas_before = scene.before.replicas();
    outcome_.replicas_after = after.replicas();
    outcome_.live_copies_before = outcome_.replicas_before;
    outcome_.live_copies_after = outcome_.replicas_after;
  }

  PlanOutcome run() && {
    for (std::uint32_t raw = 0; raw < after_.partition_count(); ++raw) add(PartitionId{raw});
    return std::move(outcome_);
  }

 private:
  using Row = std::vector<std::size_t>;  // indices into nodes_, ascending

  [[nodiscard]] Row row_of(const PlacementTable& table, PartitionId partition) const {
    Row row;
    for (const std::uint16_t index : table.row_of(partition)) {
      const auto place = std::ranges::lower_bound(nodes_, table.nodes()[index]);
      row.push_back(static_cast<std::size_t>(place - nodes_.begin()));
    }
    return row;
  }
  [[nodiscard]] std::uint32_t living_in(const Row& row) const {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(row, [this](std::size_t node) { return living_[node]; }));
  }
  [[nodiscard]] bool is_ours_to_tell(const Row& row) const {
    const auto first =
        std::ranges::find_if(row, [this](std::size_t node) { return living_[node]; });
    return first != row.end() && nodes_[*first] == scene_.self;
  }

  void add(PartitionId partition) {
    const Row before = row_of(scene_.before, partition);
    const Row after = row_of(after_, partition);
    outcome_.live_copies_before = std::min(outcome_.live_copies_before, living_in(before));
    outcome_.live_copies_after = std::min(outcome_.live_copies_after, living_in(after));
    const bool has_bytes = partition.raw < scene_.bytes.size() && is_ours_to_tell(before);
    const std::uint64_t bytes = has_bytes ? scene_.bytes[partition.raw] : 0;
    for (const std::size_t node : before) outcome_.shares[node].bytes_before += bytes;
    for (const std::size_t node : after) {
      outcome_.shares[node].bytes_after += bytes;
      if (std::ranges::binary_search(before, node)) continue;
      outcome_.shares[node].bytes_gained += bytes;
      ++outcome_.moved_slots;
    }
  }

  const PlanScene& scene_;
  const PlacementTable& after_;
  std::vector<NodeId> nodes_;  // of both tables, by id
  std::vector<bool> living_;
  PlanOutcome outcome_;
};

}  // namespace

PlanOutcome outcome_of(const PlanScene& scene, const PlacementTable& after) {
  return PlanSums(scene, after).run();
}

PlanId plan_id_of(const RingChange& change, const Epoch& epoch) {
  CanonicalBytes bytes;
  bytes.text("pixmesh ring plan").u32(format_version).raw(epoch.raw);
  bytes.u8(static_cast<std::uint8_t>(change.kind)).raw(change.node.raw).u32(change.weight);
  bytes.u64(change.capacity_bytes).text(change.zone);
  const Digest digest = digest_of(bytes.bytes());
  PlanId plan;
  std::copy_n(digest.raw.begin(), plan.raw.size(), plan.raw.begin());
  return plan;
}

std::string text_of(const RingChange& change) {
  const bool is_known = change.node != NodeId{};
  const std::string who = is_known ? "node " + short_text(change.node) : "a new node";
  switch (change.kind) {
    case RingChangeKind::join:
      return who + " joins";
    case RingChangeKind::leave:
      return who + " leaves";
    case RingChangeKind::weigh:
      return who + " gets weight " + std::to_string(change.weight);
  }
  return "no change";
}

}  // namespace pixmesh
