#pragma once

#include <array>
#include <cstdint>

#include "base/ids.h"
#include "base/time.h"

namespace pixmesh {

/// A suspected member's time to object: long while one accuser stands alone (it may be the sick
/// one), shorter with every independent accuser.
/// deadline = since + max(least, most - (most - least) * log(c + 1) / log(wanted + 1)) with c
/// accusers beside the first. Source: Lifeguard (Dadgar, Phillips, Currey 2018), section IV.B.
class Suspicion {
 public:
  static constexpr std::uint32_t confirmations_max = 3;

  /// @param wanted  accusers beside the first that bring the deadline down to `since + least`;
  ///                0 … confirmations_max, 0 when nobody else could confirm.
  Suspicion(NodeId node, NodeId accuser, Instant since, std::uint32_t wanted, Duration least,
            Duration most);

  /// The deadline comes nearer, but never before `now`: one in the past would look like being
  /// held up.
  /// @returns true if the accuser is a new one and still counts.
  bool confirm(Instant now, NodeId accuser);

  /// Our own process was held up for `time`, in which no objection could reach us.
  void postpone(Duration time) {
    since_ += time;
    earliest_ += time;
  }

  [[nodiscard]] NodeId node() const { return node_; }
  [[nodiscard]] Instant deadline() const;

 private:
  NodeId node_;
  Instant since_;
  Instant earliest_;  // of the last confirmation
  Duration least_;
  Duration most_;
  std::uint32_t wanted_;
  std::uint32_t accuser_count_ = 1;
  std::array<NodeId, 1 + confirmations_max> accusers_{};
};

}  // namespace pixmesh
