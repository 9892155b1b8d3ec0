#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ring/fixed_log.h"
#include "ring/placement.h"

namespace pixmesh {

/// A key (48 bits, log_bits of them fraction) above a 16-bit number that breaks ties.
using Ranked = std::uint64_t;

[[nodiscard]] constexpr Ranked ranked(std::uint64_t key, std::uint64_t number) {
  return key << 16 | number;
}
[[nodiscard]] constexpr std::uint64_t key_in(Ranked entry) { return entry >> 16; }
[[nodiscard]] constexpr std::uint16_t number_in(Ranked entry) {
  return static_cast<std::uint16_t>(entry);
}

/// The `capacity` smallest of the entries it was shown, ascending.
class Smallest {
 public:
  static constexpr std::size_t capacity_max = 64;

  explicit Smallest(std::size_t capacity) : capacity_(capacity) {}

  /// Entries from here on are not kept.
  [[nodiscard]] Ranked limit() const { return limit_; }
  void lower_limit(Ranked limit) { limit_ = limit < limit_ ? limit : limit_; }
  void clear() {
    size_ = 0;
    limit_ = ~Ranked{0};
  }
  void offer(Ranked entry) {
    if (entry >= limit_) return;
    std::size_t place = size_ < capacity_ ? size_++ : size_ - 1;
    for (; place > 0 && entries_[place - 1] > entry; --place) entries_[place] = entries_[place - 1];
    entries_[place] = entry;
    if (size_ == capacity_) lower_limit(entries_[size_ - 1]);
  }
  [[nodiscard]] std::span<const Ranked> entries() const { return {entries_.data(), size_}; }

 private:
  std::size_t capacity_;
  std::size_t size_ = 0;
  Ranked limit_ = ~Ranked{0};
  std::array<Ranked, capacity_max> entries_;  // NOLINT: only the first size_ are ever read
};

/// How much each partition likes each node; the smaller the key, the more.
///
/// key = log2(-log2(u)) - log2(weight) + offset + constant, with u in (0, 1) a hash of partition
/// and node: the logarithm of an exponential draw of rate `weight`, so that without caps and zones
/// a node is first with probability weight / sum of weights, and a changed weight or a new node
/// changes only the keys of that node. Offsets are what calibration.h adds per zone.
class Keys {
 public:
  Keys(std::span<const PlacementMember> members, std::uint64_t mesh_key);

  /// Adds `offset` (log_bits fraction bits, within ±64) to all keys of `node`; once per node.
  void shift(std::uint16_t node, std::int64_t offset);

  /// Computes every draw of a mesh of few nodes now, because each is asked for more than once.
  /// Costs 8 bytes a partition and node; changes no key.
  void keep_draws(std::uint32_t partition_count);

  /// Shows `best` every one of `nodes` as ranked(key, node). About 4 ns a node that is not kept.
  void rank(std::uint32_t partition, std::span<const std::uint16_t> nodes, Smallest& best) const;

  /// ranked(key, node) of one pair.
  [[nodiscard]] Ranked of(std::uint32_t partition, std::uint16_t node) const;

  [[nodiscard]] std::size_t node_count() const { return node_hashes_.size(); }

 private:
  [[nodiscard]] std::uint64_t draw_key(std::uint64_t draw) const;

  const LogTable& logs_;
  std::uint64_t mesh_key_;
  std::vector<std::uint64_t> node_hashes_;
  std::vector<std::uint64_t> node_terms_;  // constant - log2(weight) + offset; never negative
  std::vector<std::uint64_t> kept_;        // draw keys by partition and node, or nothing
};

}  // namespace pixmesh
