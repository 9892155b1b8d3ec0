#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"
#include "ring/placement.h"

namespace pixmesh::studies {

/// Members that join, leave and change their weight by chance, one at a time. Zones are picked by
/// chance, or so that they stay evenly filled: joins go to the emptiest, leaves come from the
/// fullest.
class MemberHistory {
 public:
  /// @param zone_count  at least 1.
  /// @param weight_max  weights are drawn from 1 … weight_max.
  MemberHistory(std::uint32_t zone_count, bool even_zones, std::uint32_t weight_max,
                std::uint64_t seed)
      : zone_count_(zone_count), even_zones_(even_zones), weight_max_(weight_max), chance_(seed) {}

  void join();
  void leave();  // there is a member
  /// One change; the number of members stays between `least` and `most`.
  void change(std::size_t least, std::size_t most);
  [[nodiscard]] const std::vector<PlacementMember>& members() const { return members_; }

 private:
  [[nodiscard]] std::uint32_t drawn_weight();
  [[nodiscard]] std::ptrdiff_t count_in(const std::string& zone) const;
  [[nodiscard]] std::uint64_t emptiest() const;

  std::uint32_t zone_count_;
  bool even_zones_;
  std::uint32_t weight_max_;
  Rng chance_;
  std::vector<PlacementMember> members_;
};

/// A history that has come to `count` members by joins, weights 1 to 8 unless said otherwise.
[[nodiscard]] MemberHistory mesh_of(std::size_t count, std::uint32_t zone_count, bool even_zones,
                                    std::uint64_t seed, std::uint32_t weight_max = 8);

}  // namespace pixmesh::studies
