#include "ring/preferences.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"

namespace pixmesh {
namespace {

constexpr std::size_t list_length = 24;
constexpr std::size_t zone_list_length = 8;

}  // namespace

Preferences::Preferences(const Shares& shares, const Keys& keys) : shares_(shares), keys_(keys) {
  const std::size_t zone_count = shares.zones.size();
  zone_length_ = std::max(zone_list_length, (list_length + zone_count - 1) / zone_count);
  // Up to R zones, each must be able to give its copies.
  const std::size_t wanted =
      zone_count <= shares.replicas ? zone_length_ * zone_count : list_length;
  std::size_t listable = 0;
  for (const auto& zone : shares.zones) listable += std::min(zone.size(), zone_length_);
  length_ = std::min(wanted, listable);

  short_lists_.resize(shares.partition_count * length_);
  refused_.resize(shares.partition_count);
  last_listed_.resize(shares.partition_count);
  full_list_of_.resize(shares.partition_count);
  Smallest best(length_);
  Smallest best_of_zone(zone_length_);
  for (std::uint32_t p = 0; p < shares.partition_count; ++p) rank_best(p, best, best_of_zone);
}

void Preferences::rank_best(std::uint32_t partition, Smallest& best, Smallest& best_of_zone) {
  best.clear();
  for (const auto& zone : shares_.zones) {
    best_of_zone.clear();
    best_of_zone.lower_limit(best.limit());
    keys_.rank(partition, zone, best_of_zone);
    for (const Ranked entry : best_of_zone.entries()) best.offer(entry);
  }
  const std::span<const Ranked> listed = best.entries();
  invariant(listed.size() == length_, "every partition lists equally many nodes");
  std::ranges::copy(listed,
                    short_lists_.begin() + static_cast<std::ptrdiff_t>(partition * length_));
  for (std::size_t i = 0; i < length_; ++i) {
    const std::uint32_t zone = shares_.zone_of[number_in(listed[i])];
    if (shares_.zones[zone].size() <= zone_length_) continue;
    const auto same_zone = [&](Ranked entry) { return shares_.zone_of[number_in(entry)] == zone; };
    const auto upto_here = std::ranges::count_if(listed.first(i + 1), same_zone);
    if (static_cast<std::size_t>(upto_here) == zone_length_) last_listed_[partition] |= 1ULL << i;
  }
}

void Preferences::rank_all(std::uint32_t partition) {
  FullList full;
  for (std::size_t node = 0; node < keys_.node_count(); ++node) {
    full.nodes.push_back(keys_.of(partition, static_cast<std::uint16_t>(node)));
  }
  std::ranges::sort(full.nodes);
  full.refused.resize(full.nodes.size());
  const std::span<const Ranked> listed = ranked_of(partition);
  for (std::size_t i = 0; i < listed.size(); ++i) {
    if (!is_refused(partition, i)) continue;
    const auto place = std::ranges::lower_bound(full.nodes, listed[i]);
    full.refused[static_cast<std::size_t>(place - full.nodes.begin())] = true;
  }
  full_lists_.push_back(std::move(full));
  full_list_of_[partition] = static_cast<std::uint32_t>(full_lists_.size());
}

std::span<const Ranked> Preferences::ranked_of(std::uint32_t partition) const {
  if (full_list_of_[partition] != 0) return full_lists_[full_list_of_[partition] - 1].nodes;
  return std::span(short_lists_).subspan(partition * length_, length_);
}

bool Preferences::is_refused(std::uint32_t partition, std::size_t place) const {
  if (full_list_of_[partition] != 0)
    return full_lists_[full_list_of_[partition] - 1].refused[place];
  return (refused_[partition] >> place & 1) != 0;
}

bool Preferences::is_last_listed(std::uint32_t partition, std::size_t place) const {
  return full_list_of_[partition] == 0 && (last_listed_[partition] >> place & 1) != 0;
}

bool Preferences::complete(std::uint32_t partition) const {
  return full_list_of_[partition] != 0 || length_ == keys_.node_count();
}

std::optional<Ranked> Preferences::next_choice(std::uint32_t partition,
                                               std::span<const std::uint16_t> row) {
  const std::span<const Ranked> listed = ranked_of(partition);
  for (std::size_t i = 0; i < listed.size(); ++i) {
    const std::uint16_t node = number_in(listed[i]);
    if (!is_refused(partition, i) && shares_.fits(row, node)) return listed[i];
    // An unlisted node of this zone may come before the rest of the list.
    if (is_last_listed(partition, i) && shares_.zone_open(row, shares_.zone_of[node])) break;
    if (i + 1 == listed.size() && complete(partition)) return std::nullopt;
  }
  rank_all(partition);
  return next_choice(partition, row);
}

void Preferences::refuse(std::uint32_t partition, Ranked choice) {
  const std::span<const Ranked> listed = ranked_of(partition);
  const auto found = std::ranges::lower_bound(listed, choice);
  invariant(found != listed.end() && *found == choice, "only a listed node refuses");
  const auto place = static_cast<std::size_t>(found - listed.begin());
  if (full_list_of_[partition] != 0) {
    full_lists_[full_list_of_[partition] - 1].refused[place] = true;
  } else {
    refused_[partition] |= 1ULL << place;
  }
}

}  // namespace pixmesh
