// The part of Rebalance that goes on where nobody can tell who held a partition.
#include <algorithm>

#include "replication/rebalance.h"

namespace pixmesh {
namespace {

constexpr std::size_t questions_max = 1'000;  // at once

}  // namespace

// Ours to see to, and no set is known that anybody is left of. An evicted member may come back.
bool Rebalance::is_orphan(PartitionId partition) const {
  const Part& part = parts_[partition.raw];
  if (part.dropping || part.lists.target.empty() || part.lists.target.front() != mesh_.self) {
    return false;
  }
  // A member that knows no other yet has just joined; but who has lost its disk may be the only
  // one.
  if (!mesh_.knows_others && !part.recovering) return false;
  const auto is_given_up = [this](const HolderSet& set) {
    return not_given_up(set, mesh_.eviction_of).empty();
  };
  return std::ranges::all_of(former_sets_of(part.sets), is_given_up);
}

// A dead member might know: it must come back, leave or be given up first.
Effects Rebalance::ask_about_orphans() {
  Effects effects;
  if (mesh_.frozen || !includes_all(mesh_.alive, mesh_.may_have_copies)) return effects;
  for (std::uint32_t raw = 0; raw < parts_.size() && effects.size() < questions_max; ++raw) {
    const PartitionId partition{raw};
    const bool orphan = is_orphan(partition);
    if (!orphan && !is_alone_in_doubt(partition)) continue;
    const std::vector<NodeId>& denied = denied_by_[partition];
    if (includes_all(denied, mesh_.may_have_copies)) {
      if (orphan) begin_from_self(partition);  // `denied` is gone with it
      continue;
    }
    for (const NodeId& node : mesh_.may_have_copies) {
      if (!contains(denied, node)) effects.push_back(Ask{node, ListsRequest{id(), partition}});
    }
  }
  append(effects, persist());
  return effects;
}

Effects Rebalance::on_orphan_answer(Instant now, NodeId from, const ListsAnswer& answer) {
  if (answer.epoch != mesh_.epoch) return {ListsDiffer{from}};
  if (answer.partition.raw >= parts_.size()) return {};
  const bool orphan = is_orphan(answer.partition);
  if (!orphan && !is_alone_in_doubt(answer.partition)) return {};
  std::vector<NodeId>& denied = denied_by_[answer.partition];
  if (answer.lists.number > part(answer.partition).lists.number) {
    denied.clear();  // it will tell us
    return {};
  }
  insert_sorted(denied, from);
  if (!orphan) return {};  // may_recover
  if (!includes_all(mesh_.alive, mesh_.may_have_copies) || mesh_.frozen) return {};
  if (!includes_all(denied, mesh_.may_have_copies)) return {};
  begin_from_self(answer.partition);
  wake(now);
  return persist();
}

void Rebalance::begin_from_self(PartitionId partition) {
  Part& orphan = part(partition);
  denied_by_.erase(partition);
  HolderSets sets = orphan.sets;
  sets.settled = {{}, mesh_.write_quorum};
  for (const HolderLife& life : sets.target.holders) {
    if (life.node == mesh_.self) sets.settled.holders = {life};
  }
  // Below what the target set will settle as, which is the height of this placement.
  sets.number = std::max(sets.number + 1, mesh_.height > 0 ? mesh_.height - 1 : 0);
  sets.earlier.clear();
  begin_anew(orphan, std::move(sets));
  orphan.recovering = false;
  to_sync_.erase(partition);
  to_drop_.erase(partition);
  unwritten_.insert(partition);
  ++begun_anew_;
  if (!in_motion(orphan)) {
    moving_.erase(partition);
    return;
  }
  moving_.insert(partition);
  begin_announcing(orphan);
}

}  // namespace pixmesh
