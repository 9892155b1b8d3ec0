#include "replication/hints.h"

#include <algorithm>

namespace pixmesh {
namespace {

Bytes key_of(NodeId target, PartitionId partition) {
  Bytes key(target.raw.begin(), target.raw.end());
  for (int shift = 24; shift >= 0; shift -= 8) {
    key.push_back(static_cast<std::uint8_t>(partition.raw >> shift));
  }
  return key;
}

}  // namespace

void Hints::restore(Instant now, ByteView key) {
  NodeId target;
  if (key.size() != target.raw.size() + 4) return;
  std::copy_n(key.begin(), target.raw.size(), target.raw.begin());
  PartitionId partition;
  for (std::size_t i = 0; i < 4; ++i) {
    partition.raw = partition.raw << 8 | key[target.raw.size() + i];
  }
  if (by_target_[target].insert_or_assign(partition, now).second) ++count_;
}

std::optional<TableRow> Hints::remember(Instant now, NodeId target, PartitionId partition) {
  const auto place = by_target_.find(target);
  if (place != by_target_.end() && place->second.contains(partition)) {
    place->second[partition] = now;
    return std::nullopt;
  }
  if (count_ >= options_.count_max) return std::nullopt;
  by_target_[target].emplace(partition, now);
  ++count_;
  return TableRow{Table::hints, key_of(target, partition), Bytes{1}};
}

std::vector<TableRow> Hints::on_taken(Instant now, NodeId target, const HintTaken& taken) {
  std::vector<TableRow> rows;
  const auto place = by_target_.find(target);
  if (place == by_target_.end() || taken.round > offer_round(now)) return rows;
  for (const PartitionId partition : taken.partitions) {
    const auto hint = place->second.find(partition);
    if (hint == place->second.end() || offer_round(hint->second) >= taken.round) continue;
    place->second.erase(hint);
    --count_;
    rows.push_back({Table::hints, key_of(target, partition), std::nullopt});
  }
  if (place->second.empty()) by_target_.erase(place);
  return rows;
}

std::vector<TableRow> Hints::forget_all(NodeId target) {
  std::vector<TableRow> rows;
  const auto place = by_target_.find(target);
  if (place == by_target_.end()) return rows;
  for (const auto& [partition, missed_at] : place->second) {
    --count_;
    rows.push_back({Table::hints, key_of(target, partition), std::nullopt});
  }
  by_target_.erase(place);
  return rows;
}

Effects Hints::offers(Instant now, const MeshView& mesh) {
  if (offer_at_ && now < *offer_at_) return {};
  Effects effects;
  for (const auto& [target, partitions] : by_target_) {
    if (!mesh.is_alive(target)) continue;
    HintOffer offer{mesh.epoch, {}, offer_round(now)};
    for (const auto& [partition, missed_at] : partitions) {
      if (offer.partitions.size() == page_entries_max) break;
      offer.partitions.push_back(partition);
    }
    effects.push_back(Ask{target, std::move(offer)});
  }
  offer_at_ = now + options_.repeat_after;
  return effects;
}

std::optional<Instant> Hints::next_deadline() const {
  return by_target_.empty() ? std::nullopt : offer_at_;
}

bool Hints::has(PartitionId partition) const {
  return std::any_of(by_target_.begin(), by_target_.end(),
                     [&](const auto& entry) { return entry.second.contains(partition); });
}

}  // namespace pixmesh
