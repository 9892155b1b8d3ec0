#include "ring/calibration.h"

#include <algorithm>
#include <array>
#include <functional>
#include <span>

namespace pixmesh {
namespace {

/// The first sweeps look at some partitions only, every 8th, 4th, 2nd, to bring the offsets close;
/// the last fits them to all. A sample is never smaller than sample_size_min.
constexpr std::array<std::uint32_t, 4> sweep_strides = {8, 4, 2, 1};
constexpr std::uint32_t sample_size_min = 1024;
constexpr std::size_t group_count_max = 64;
constexpr std::int64_t offset_max = 64 * static_cast<std::int64_t>(log_one);
constexpr std::int64_t always_wins = 2 * offset_max;

/// Zones that share one offset: one zone, or in a mesh of many zones all the small ones.
struct Group {
  std::vector<std::uint32_t> zones;
  std::size_t first_bid = 0;  // its bids for a partition are consecutive, best first
  std::size_t bid_count = 0;
  std::uint64_t slots = 0;  // what it should win over all partitions
  std::int64_t offset = 0;
  bool fixed = false;  // it must win everywhere
};

/// For every partition each zone with at least L nodes bids its L-th best key, and the X smallest
/// bids win one more copy for their zone (the others are settled by the rule in shares.h).
class Contest {
 public:
  Contest(const Shares& shares, const Keys& keys) : shares_(shares), keys_(keys) {
    make_groups();
    collect_bids();
    winner_count_ = shares.zone_extra + groups_.back().bid_count;
    winners_.resize(static_cast<std::size_t>(shares.partition_count) * winner_count_);
  }

  /// Fits each group's offset in turn, to every `stride`-th partition.
  void sweep(std::uint32_t stride) {
    if (stride != stride_) {
      stride_ = stride;
      for (std::uint32_t p = 0; p < shares_.partition_count; p += stride_) choose_winners(p);
    }
    for (std::size_t group = 0; group < groups_.size(); ++group) {
      if (!groups_[group].fixed) move_to(group, balanced_offset(group));
    }
  }

  [[nodiscard]] std::vector<std::int64_t> offsets() const {
    std::vector<std::int64_t> offsets(shares_.zones.size(), 0);
    for (const Group& group : groups_) {
      for (const std::uint32_t zone : group.zones) offsets[zone] = group.offset;
    }
    return offsets;
  }

 private:
  [[nodiscard]] Ranked term_of(std::size_t group) const {
    return ranked(static_cast<std::uint64_t>(groups_[group].offset), group);
  }
  /// Slots beyond the copies that the zone rule gives `zone` anyway.
  [[nodiscard]] std::uint64_t contested(std::uint32_t zone) const {
    return shares_.zone_targets[zone] - (shares_.zone_limit - 1) * full();
  }
  [[nodiscard]] std::uint64_t full() const {
    return static_cast<std::uint64_t>(shares_.partition_count) << slot_bits;
  }

  void make_groups();
  void collect_bids();
  void choose_winners(std::uint32_t partition);
  [[nodiscard]] std::int64_t balanced_offset(std::size_t group) const;
  void add_thresholds(std::size_t group, std::uint32_t partition,
                      std::vector<std::int64_t>& thresholds) const;
  [[nodiscard]] bool moved_within(std::span<Ranked> winners, std::size_t group, Ranked bid) const;
  void move_to(std::size_t group, std::int64_t offset);

  [[nodiscard]] std::span<const std::uint64_t> bids_of(std::uint32_t partition) const {
    return std::span(bids_).subspan(partition * bid_terms_.size(), bid_terms_.size());
  }
  [[nodiscard]] std::span<const Ranked> winners_of(std::uint32_t partition) const {
    return std::span(winners_).subspan(partition * winner_count_, winner_count_);
  }
  [[nodiscard]] std::span<Ranked> winners_of(std::uint32_t partition) {
    return std::span(winners_).subspan(partition * winner_count_, winner_count_);
  }

  const Shares& shares_;
  const Keys& keys_;
  std::vector<Group> groups_;
  std::uint32_t stride_ = 0;         // winners_ are those of every stride_-th partition
  std::size_t winner_count_ = 0;     // enough to know the X best bids whichever group is left out
  std::vector<Ranked> bid_terms_;    // by bid: ranked(offset, group), to be added to its key
  std::vector<std::uint64_t> bids_;  // by partition and bid: a key without offset
  std::vector<Ranked> winners_;      // by partition: best bids, each ranked(key with offset, group)
};

void Contest::make_groups() {
  std::vector<std::uint32_t> zones;
  for (std::uint32_t zone = 0; zone < shares_.zones.size(); ++zone) {
    if (shares_.zones[zone].size() >= shares_.zone_limit) zones.push_back(zone);
  }
  if (zones.size() > group_count_max) {
    std::ranges::stable_sort(zones, std::ranges::greater{},
                             [&](std::uint32_t zone) { return shares_.zone_targets[zone]; });
  }
  for (const std::uint32_t zone : zones) {
    if (groups_.size() < group_count_max) groups_.emplace_back();
    groups_.back().zones.push_back(zone);
    groups_.back().slots += contested(zone);
  }
  for (std::size_t index = 0; index < groups_.size(); ++index) {
    Group& group = groups_[index];
    group.first_bid = bid_terms_.size();
    group.bid_count = std::min<std::size_t>(group.zones.size(), shares_.zone_extra);
    group.fixed = group.zones.size() == 1 && group.slots + (1ULL << slot_bits) >= full();
    if (group.fixed) group.offset = -offset_max;
    bid_terms_.resize(group.first_bid + group.bid_count, term_of(index));
  }
}

void Contest::collect_bids() {
  bids_.reserve(shares_.partition_count * bid_terms_.size());
  Smallest best(shares_.zone_limit);
  for (std::uint32_t p = 0; p < shares_.partition_count; ++p) {
    for (const Group& group : groups_) {
      Smallest bids(group.bid_count);
      for (const std::uint32_t zone : group.zones) {
        best.clear();
        keys_.rank(p, shares_.zones[zone], best);
        bids.offer(best.entries().back());
      }
      for (const Ranked entry : bids.entries()) bids_.push_back(key_in(entry));
    }
  }
}

void Contest::choose_winners(std::uint32_t partition) {
  const std::span<Ranked> winners = winners_of(partition);
  const std::span<const std::uint64_t> bids = bids_of(partition);
  Smallest best(winner_count_);
  for (std::size_t i = 0; i < bids.size(); ++i) best.offer(ranked(bids[i], 0) + bid_terms_[i]);
  std::ranges::fill(std::ranges::copy(best.entries(), winners.begin()).out, winners.end(),
                    ~Ranked{0});
}

/// For each bid of `group` the offset below which it is among the X best: the i-th best bid of
/// the group wins while fewer than X - i bids of others are smaller.
void Contest::add_thresholds(std::size_t group, std::uint32_t partition,
                             std::vector<std::int64_t>& thresholds) const {
  const std::span<const Ranked> winners = winners_of(partition);
  const std::span<const std::uint64_t> bids = bids_of(partition);
  for (std::size_t i = 0; i < groups_[group].bid_count; ++i) {
    std::size_t rival = shares_.zone_extra - 1 - i;  // among the bids of others
    for (std::size_t place = 0; place < winners.size(); ++place) {
      const bool own = number_in(winners[place]) == group;
      rival += static_cast<std::size_t>(own & (place <= rival));
    }
    const bool unrivalled = winners[rival] == ~Ranked{0};
    const std::uint64_t lead = key_in(winners[rival]) - bids[groups_[group].first_bid + i];
    thresholds.push_back(unrivalled ? always_wins : static_cast<std::int64_t>(lead));
  }
}

std::int64_t Contest::balanced_offset(std::size_t group) const {
  std::vector<std::int64_t> thresholds;
  thresholds.reserve(shares_.partition_count / stride_ * groups_[group].bid_count);
  for (std::uint32_t p = 0; p < shares_.partition_count; p += stride_) {
    add_thresholds(group, p, thresholds);
  }
  const std::uint64_t one = static_cast<std::uint64_t>(stride_) << slot_bits;
  const std::uint64_t due = (groups_[group].slots + one / 2) / one;
  if (due >= thresholds.size()) return 1 - offset_max;
  const auto place = thresholds.begin() + static_cast<std::ptrdiff_t>(due);
  std::nth_element(thresholds.begin(), place, thresholds.end(), std::greater<>{});
  return std::clamp(*place, 1 - offset_max, offset_max);
}

/// Puts right the winners after `group` changed its best bid. @returns false if they have to be
/// chosen anew: the group has several bids, or one that is not known comes in for it.
bool Contest::moved_within(std::span<Ranked> winners, std::size_t group, Ranked bid) const {
  auto own = std::ranges::find(winners, group, number_in);
  const bool among_them = own != winners.end();
  if (!among_them && bid >= winners.back()) return true;
  if (groups_[group].bid_count > 1 || (among_them && bid > winners.back())) return false;
  if (!among_them) --own;
  *own = bid;
  for (; own != winners.begin() && *own < *(own - 1); --own) std::swap(*own, *(own - 1));
  for (; own + 1 != winners.end() && *(own + 1) < *own; ++own) std::swap(*own, *(own + 1));
  return true;
}

void Contest::move_to(std::size_t group, std::int64_t offset) {
  Group& mover = groups_[group];
  if (offset == mover.offset) return;
  mover.offset = offset;
  const Ranked term = term_of(group);
  std::fill_n(bid_terms_.begin() + static_cast<std::ptrdiff_t>(mover.first_bid), mover.bid_count,
              term);
  for (std::uint32_t p = 0; p < shares_.partition_count; p += stride_) {
    const Ranked bid = ranked(bids_of(p)[mover.first_bid], 0) + term;
    if (!moved_within(winners_of(p), group, bid)) choose_winners(p);
  }
}

}  // namespace

std::vector<std::int64_t> zone_offsets_of(const Shares& shares, const Keys& keys) {
  const auto bidders = std::ranges::count_if(
      shares.zones, [&](const auto& zone) { return zone.size() >= shares.zone_limit; });
  if (static_cast<std::uint64_t>(bidders) <= shares.zone_extra) {
    return std::vector<std::int64_t>(shares.zones.size(), 0);
  }
  Contest contest(shares, keys);
  for (const std::uint32_t stride : sweep_strides) {
    contest.sweep(std::clamp(shares.partition_count / sample_size_min, 1U, stride));
  }
  return contest.offsets();
}

}  // namespace pixmesh
