#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace pixmesh {

/// Which peer (a ROUTER's routing id) is which inbound link. A peer that only reconnects keeps its
/// link; one that is forgotten and comes again gets a fresh one.
///
/// Invariant: at most `count_max` links; the one used longest ago goes first. Not thread-safe.
class InboundLinks {
 public:
  explicit InboundLinks(std::size_t count_max) : count_max_(count_max) {}

  /// The link of `peer`, marked as used now; nothing if it has none.
  [[nodiscard]] std::optional<LinkId> find(std::string_view peer, Instant now);

  /// Gives `peer`, which has no link, the link `link`.
  /// @returns the link that had to go for it, if there were `count_max`.
  std::optional<LinkId> add(std::string_view peer, LinkId link, Instant now);

  /// The routing id behind a link, marked as used now; null if the link is unknown.
  [[nodiscard]] const std::string* peer_of(LinkId link, Instant now);

  /// @returns false if the link is unknown.
  bool forget(LinkId link);

  /// Forgets and returns the links that were last used before `horizon`.
  [[nodiscard]] std::vector<LinkId> forget_idle(Instant horizon);

  [[nodiscard]] std::size_t count() const { return by_use_.size(); }

 private:
  struct Entry {
    std::string peer;
    LinkId link;
    Instant used;
  };
  using Place = std::list<Entry>::iterator;
  void touch(Place place, Instant now);

  std::size_t count_max_;
  std::list<Entry> by_use_;                              // latest first
  std::unordered_map<std::string_view, Place> by_peer_;  // keys lie in `by_use_`
  std::unordered_map<std::uint64_t, Place> by_link_;
};

}  // namespace pixmesh
