#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "ring/placement.h"
#include "simulations/studies/churn_load.h"
#include "simulations/studies/churn_traffic.h"
#include "simulations/world/mesh_world.h"

namespace pixmesh::studies {

enum class ChangeKind : std::uint8_t {
  join,
  restart,  // crashed, and back after a while
  leave,    // asked to
  kill,     // destroyed, and the others are told to forget it
};
inline constexpr std::size_t change_kind_count = 4;
[[nodiscard]] const char* word_of(ChangeKind kind);

struct ChurnShape {
  std::uint64_t seed = 1;
  std::uint32_t nodes = 10;    // at the start; one more at times. At least 4
  Duration between{};          // changes, on average; 0: each waits for the one before
  Duration length = 600s;      // of the time in which changes begin
  std::uint32_t images = 400;  // stored before the first change, and never changed
  std::uint64_t image_bytes = 13'000;
  std::uint64_t link_bytes_per_second = 125'000;
  Duration between_reads{};   // of the whole mesh, on average; 0: none
  Duration between_writes{};  // each under a new name
  Duration down = 10s;        // of a node that restarts
  std::uint32_t partition_bits = 10;
};

/// What was seen of one change.
struct ChangeSeen {
  ChangeKind kind = ChangeKind::join;
  Instant at;                     // of a restart: when the node comes back
  std::uint64_t ideal_bytes = 0;  // table difference, of the images that never change
  std::uint64_t moved_bytes = 0;  // of the same images, until the next change
  Duration least{};               // in which the busiest receiver gets its part of all images
  std::optional<Duration> whole;  // until every image had all its copies; none: not seen
};

/// A mesh of whole nodes, its clients, and the changes that happen to it, in turn: join, restart,
/// leave, join, restart, kill. All nodes are in one zone and have equal weights. A node is
/// destroyed only when every image has all its copies: no mesh of this kind survives more than W -
/// 1 losses at once.
///
/// The same shape gives the same history.
class ChurnMesh {
 public:
  explicit ChurnMesh(const ChurnShape& shape);

  /// Once: changes and clients, and then until all that was begun has ended.
  void run();

  [[nodiscard]] const std::vector<ChangeSeen>& changes() const { return changes_; }
  [[nodiscard]] const ChurnLoad& load() const { return load_; }
  [[nodiscard]] const ChurnTraffic& traffic() const { return traffic_; }
  [[nodiscard]] Duration simulated() const { return world_.now().time_since_epoch(); }

 private:
  [[nodiscard]] static WorldOptions options_of(const ChurnShape& shape);
  std::uint32_t add_node();
  void store_images();
  void repeat(Duration between, const std::function<void()>& wish);
  void plan_change();
  void change();
  void begin(ChangeKind kind);
  void forget(std::uint32_t victim);
  [[nodiscard]] std::uint32_t draw_member();
  void use_members();
  void note_ideal(const PlacementTable& before, ChangeSeen& seen);
  void note_moved();
  void look();
  [[nodiscard]] bool all_is_seen_whole() const;
  [[nodiscard]] bool is_whole();
  [[nodiscard]] bool has_all_copies(const std::string& name);

  ChurnShape shape_;
  MeshWorld world_;
  Rng rng_;
  ChurnTraffic traffic_;
  ChurnLoad load_;
  std::set<std::uint32_t> members_;     // that are to hold images, restarting ones too
  std::set<std::uint32_t> down_;        // restarting
  PlacementTable table_;                // of members_
  std::vector<std::uint32_t> numbers_;  // of table_.nodes()
  std::vector<std::string> images_;
  std::string lacking_;  // the image that had too few copies when they were last counted
  std::vector<ChangeSeen> changes_;
  std::size_t whole_count_ = 0;     // changes whose `whole` is known: the first ones
  Instant whole_since_{};           // when the last of these was seen
  std::uint64_t moved_before_ = 0;  // bytes, when the last change began
  Instant end_{};                   // no change begins after that
};

}  // namespace pixmesh::studies
