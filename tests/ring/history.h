#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"
#include "ring/placement.h"

namespace pixmesh::test {

/// What a random history of one mesh may look like.
struct HistoryOptions {
  std::uint32_t zone_count = 1;
  std::uint32_t weight_max = 8;
  std::size_t members_min = 1;
  std::size_t members_max = 300;
  std::size_t members_at_start = 0;  // when above members_min
  bool even_zones = false;           // joins go to the emptiest zone, leaves come from the fullest
};

/// Members that join, leave and change their weight by chance, one at a time.
class History {
 public:
  History(HistoryOptions options, Rng rng) : options_(options), rng_(rng) {
    while (members_.size() < std::max(options.members_min, options.members_at_start)) join();
  }

  /// One join, leave or change of weight. More joins than leaves while there is room.
  void step();
  [[nodiscard]] const std::vector<PlacementMember>& members() const { return members_; }
  /// The same members in another order.
  [[nodiscard]] std::vector<PlacementMember> shuffled();

 private:
  void join();
  void leave();
  void change_weight();
  [[nodiscard]] std::uint32_t drawn_weight();
  [[nodiscard]] std::size_t count_in(const std::string& zone) const;
  [[nodiscard]] std::string emptiest_zone() const;

  HistoryOptions options_;
  Rng rng_;
  std::vector<PlacementMember> members_;
};

/// The seed of the random tests: PIXMESH_TEST_SEED, or a fixed one.
[[nodiscard]] std::uint64_t test_seed();

/// The first promise that `table` breaks, or nothing. Reckons everything from the rows.
[[nodiscard]] std::string broken_promise(const PlacementTable& table,
                                         const std::vector<PlacementMember>& members,
                                         const PlacementOptions& options);

/// A node id from chance.
[[nodiscard]] NodeId drawn_id(Rng& rng);

/// `weights.size()` members with ids from `seed`, the i-th in zone zones[i % zones.size()].
[[nodiscard]] std::vector<PlacementMember> mesh_of(const std::vector<std::uint32_t>& weights,
                                                   const std::vector<std::string>& zones,
                                                   std::uint64_t seed);

}  // namespace pixmesh::test
