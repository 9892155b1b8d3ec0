#include "ring/keys.h"

#include <algorithm>
#include <bit>

#include "base/digest.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ULL;
// Keeps keys positive: log2(weight) is below 8 and an offset at least -64. With it a key is below
// 47 + 72 + 64 and fits its 48 bits.
constexpr std::uint64_t constant = 72 * log_one;

/// Every bit of the result depends on every bit of `word` (Stafford's variant 13, as splitmix64).
std::uint64_t mix(std::uint64_t word) {
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
  word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
  return word ^ (word >> 31);
}

std::uint64_t partition_hash_of(std::uint64_t mesh_key, std::uint32_t partition) {
  return mix(mesh_key + (partition + 1ULL) * golden);
}

/// The fixed-point number u * 2^64; odd, so that neither it nor its complement is a special case.
std::uint64_t draw_of(std::uint64_t partition_hash, std::uint64_t node_hash) {
  return mix(partition_hash ^ node_hash) | 1;
}

/// A number below log2(-log2(u)) by 0.03 to 0.2 where that is small enough to matter, without a
/// table: -log2(u) > 1.44 * (1 - u), and log2(1 + f) >= f.
std::uint64_t draw_key_floor(std::uint64_t draw) {
  constexpr std::uint64_t units = 23 * log_one + log_one / 2;  // 2^64 to 2^log_bits; 1.44 > 2^0.5
  const std::uint64_t rest = ~draw | 1;
  const int empty_bits = std::countl_zero(rest);
  const std::uint64_t exponent = static_cast<std::uint64_t>(63 - empty_bits) << log_bits;
  const std::uint64_t fraction = (rest << empty_bits << 1) >> (64 - log_bits);
  const std::uint64_t below = exponent + fraction;
  return below > units ? below - units : 0;
}

}  // namespace

Keys::Keys(std::span<const PlacementMember> members, std::uint64_t mesh_key)
    : logs_(log_table()), mesh_key_(mesh_key) {
  for (const PlacementMember& member : members) {
    node_hashes_.push_back(mix(keyed_hash(mesh_key, member.node.raw)));
    node_terms_.push_back(constant - logs_.log2_of(member.weight));
  }
}

void Keys::shift(std::uint16_t node, std::int64_t offset) {
  node_terms_[node] += static_cast<std::uint64_t>(offset);
}

std::uint64_t Keys::draw_key(std::uint64_t draw) const {
  const std::uint64_t minus_log = 64 * log_one - logs_.log2_of(draw);
  return logs_.log2_of(std::max<std::uint64_t>(1, minus_log));
}

void Keys::keep_draws(std::uint32_t partition_count) {
  kept_.resize(static_cast<std::size_t>(partition_count) * node_count());
  auto next = kept_.begin();
  for (std::uint32_t p = 0; p < partition_count; ++p) {
    const std::uint64_t partition_hash = partition_hash_of(mesh_key_, p);
    for (const std::uint64_t node_hash : node_hashes_) {
      *next++ = draw_key(draw_of(partition_hash, node_hash));
    }
  }
}

void Keys::rank(std::uint32_t partition, std::span<const std::uint16_t> nodes,
                Smallest& best) const {
  if (!kept_.empty()) {
    const auto kept = std::span(kept_).subspan(partition * node_count(), node_count());
    for (const std::uint16_t node : nodes) best.offer(ranked(kept[node] + node_terms_[node], node));
    return;
  }
  const std::uint64_t partition_hash = partition_hash_of(mesh_key_, partition);
  for (const std::uint16_t node : nodes) {
    const std::uint64_t draw = draw_of(partition_hash, node_hashes_[node]);
    // Most nodes are far from the best: two table look-ups saved, and the same result.
    if (ranked(draw_key_floor(draw) + node_terms_[node], node) >= best.limit()) continue;
    best.offer(ranked(draw_key(draw) + node_terms_[node], node));
  }
}

Ranked Keys::of(std::uint32_t partition, std::uint16_t node) const {
  const std::uint64_t draw = draw_of(partition_hash_of(mesh_key_, partition), node_hashes_[node]);
  return ranked(draw_key(draw) + node_terms_[node], node);
}

}  // namespace pixmesh
