#pragma once

#include "simulations/checks/check.h"

namespace pixmesh {

/// What running nodes believe about who answers, as their logs tell it.
class Beliefs {
 public:
  /// A node found a member silent itself: nobody had told it.
  struct Accusation {
    std::uint32_t node = 0;
    NodeId member;
    std::size_t others = 0;  // that it believed alive just then, and might have asked
  };
  explicit Beliefs(MeshWorld& world) : world_(world) {}

  /// Its process has ended.
  void forget(std::uint32_t node);
  /// Since when `node` has believed `member` silent; none if it has not.
  [[nodiscard]] std::optional<Instant> silent_since(std::uint32_t node, NodeId member);
  /// Those since the last call.
  [[nodiscard]] std::vector<Accusation> take_accusations();

 private:
  void read_on();
  [[nodiscard]] std::optional<NodeId> member_named(const std::string& short_name) const;

  MeshWorld& world_;
  std::size_t next_ = 0;  // line of the log
  std::map<std::uint32_t, std::map<NodeId, Instant>> silent_;
  std::map<std::uint32_t, std::set<NodeId>> alive_;  // as a process said, and not silent since
  std::vector<Accusation> accusations_;
};

}  // namespace pixmesh
