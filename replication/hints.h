#pragma once

#include <map>

#include "replication/operation.h"

namespace pixmesh {

/// Hinted handoff: which partitions changed while a holder was away. A hint names the partition,
/// never the bytes; the holder fetches what it misses by an ordinary sync and says so. What it
/// missed after the offer that it speaks of stays a hint.
/// Hints are durable: whoever owns this stores the rows that `remember` and `forget` give.
class Hints {
 public:
  struct Options {
    std::size_t count_max = 200'000;  // beyond it the periodic repair alone finds differences
    Duration repeat_after = 3s;       // between offers to a living target
  };
  Hints() : Hints(Options{}) {}
  explicit Hints(Options options) : options_(options) {}

  /// A row as `remember` gave it, at start. Answers to offers of an earlier life do not count.
  void restore(Instant now, ByteView key);
  /// The row to store; none if the hint is known or there are too many.
  [[nodiscard]] std::optional<TableRow> remember(Instant now, NodeId target, PartitionId partition);
  [[nodiscard]] std::vector<TableRow> on_taken(Instant now, NodeId target, const HintTaken& taken);
  /// Hints for members that will never return.
  [[nodiscard]] std::vector<TableRow> forget_all(NodeId target);

  /// What to offer to the living; repeated until it is taken.
  [[nodiscard]] Effects offers(Instant now, const MeshView& mesh);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] bool has(PartitionId partition) const;

 private:
  Options options_;
  std::map<NodeId, std::map<PartitionId, Instant>> by_target_;  // when it missed something last
  std::size_t count_ = 0;
  std::optional<Instant> offer_at_;
};

}  // namespace pixmesh
