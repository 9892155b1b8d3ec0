// The part of Rebalance that says things to other members, a batch at a time: rebalance.cc decides.
#include <algorithm>

#include "replication/rebalance.h"

namespace pixmesh {

Effects Rebalance::announce() {
  std::map<NodeId, ListsAnnounced> messages;
  std::map<NodeId, std::map<HolderSet, std::uint32_t>> numbers;
  ++announced_;
  Effects effects;
  std::vector<PartitionId> told(moving_.begin(), moving_.end());
  told.insert(told.end(), to_drop_.begin(), to_drop_.end());
  for (const PartitionId partition : told) {
    const Part& moving = part(partition);
    for (const NodeId& to : moving.unnoted) {
      if (!mesh_.is_alive(to)) continue;
      ListsAnnounced& message = messages[to];
      const auto index_of = [&](const HolderSet& set) {
        const auto [place, fresh] =
            numbers[to].try_emplace(set, static_cast<std::uint32_t>(message.sets.size()));
        if (fresh) message.sets.push_back(set);
        return place->second;
      };
      // One that is recovering speaks as if it knew nothing: it is told, and counted nowhere.
      const HolderSets& sets = moving.recovering ? HolderSets{} : moving.sets;
      const std::uint32_t settled = index_of(sets.settled);
      const std::uint32_t target = index_of(moving.sets.target);
      std::vector<std::uint32_t> earlier;
      for (const HolderSet& set : sets.earlier) earlier.push_back(index_of(set));
      message.entries.push_back({partition, sets.number, settled, target, std::move(earlier)});
      if (message.entries.size() < page_entries_max) continue;
      message.epoch = mesh_.epoch;
      message.round = announced_;
      effects.push_back(Ask{to, std::move(message)});
      message = {};
      numbers[to].clear();
    }
  }
  for (auto& [to, message] : messages) {
    if (message.entries.empty()) continue;
    message.epoch = mesh_.epoch;
    message.round = announced_;
    effects.push_back(Ask{to, std::move(message)});
  }
  return effects;
}

Effects Rebalance::confirm() {
  std::map<NodeId, SyncConfirmed> messages;
  Effects effects;
  for (const PartitionId partition : moving_) {
    const Part& moving = part(partition);
    if (!moving.synced || moving.recovering || !we_are_in(moving.lists.target)) continue;
    const NodeId collector = collector_of(moving);
    SyncConfirmed& message = messages[collector];
    message.entries.push_back({partition, moving.lists.number});
    if (message.entries.size() < page_entries_max) continue;
    message.epoch = mesh_.epoch;
    effects.push_back(Ask{collector, std::move(message)});
    message = {};
  }
  for (auto& [to, message] : messages) {
    if (message.entries.empty()) continue;
    message.epoch = mesh_.epoch;
    effects.push_back(Ask{to, std::move(message)});
  }
  return effects;
}

Effects Rebalance::collect() {
  for (const PartitionId partition : moving_) {
    const Part& moving = part(partition);
    if (moving.lists.target.empty() || !moving.lists.known()) continue;
    if (!includes_all(moving.confirmed_by, moving.lists.target)) continue;
    const bool prepared =
        includes_all(moving.prepared_by, moving.lists.target) &&
        has_all(moving.prepared_by, former_quorums_of(moving.lists, QuorumKind::write));
    const SettleStep step = prepared ? SettleStep::settle : SettleStep::prepare;
    for (const NodeId& node : holders_of(moving.lists)) {
      if (mesh_.is_alive(node)) say(node, step, partition, next_number_of(moving));
    }
  }
  return {};
}

void Rebalance::say(NodeId to, SettleStep step, PartitionId partition, std::uint64_t number) {
  outbox_[{to, step}].push_back({partition, number});
}

Effects Rebalance::flush(Instant now) {
  Effects effects;
  for (auto& [key, entries] : outbox_) {
    for (std::size_t begin = 0; begin < entries.size(); begin += page_entries_max) {
      const std::size_t end = std::min<std::size_t>(entries.size(), begin + page_entries_max);
      effects.push_back(Ask{key.first, Settle{key.second, mesh_.epoch,
                                              Entries(entries.begin() + static_cast<long>(begin),
                                                      entries.begin() + static_cast<long>(end))}});
    }
  }
  outbox_.clear();
  for (auto& [note, partitions] : noted_outbox_) {
    for (std::size_t begin = 0; begin < partitions.size(); begin += page_entries_max) {
      const std::size_t end = std::min<std::size_t>(partitions.size(), begin + page_entries_max);
      effects.push_back(Ask{note.to, AnnounceNoted{mesh_.epoch,
                                                   {partitions.begin() + static_cast<long>(begin),
                                                    partitions.begin() + static_cast<long>(end)},
                                                   note.round,
                                                   note.without_lists}});
    }
  }
  noted_outbox_.clear();
  for (auto& [to, partitions] : offer_outbox_) {  // of one comparison: within its bound
    effects.push_back(Ask{to, HintOffer{mesh_.epoch, std::move(partitions), offer_round(now)}});
  }
  offer_outbox_.clear();
  return effects;
}

}  // namespace pixmesh
