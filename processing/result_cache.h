#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/ids.h"

namespace pixmesh {

/// Which results a node keeps, and which goes when there is no room.
///
/// Each has a priority: the cache's age when it was last used, and what it saves for each KiB it
/// takes, times how often it was used. The lowest goes, and the age becomes its priority, so that
/// what is not used any more grows old, however dear it once was. (GreedyDual-Size-Frequency: Cao
/// and Irani 1997, Cherkasova 1998; in integers.)
///
/// A result that is being given out is held: it is not chosen to go, and when it is purged
/// meanwhile its file stays until it is let go.
///
/// Invariants: what is kept and not held fits the quota; each has one place in the order.
/// Deterministic; not thread-safe: one owner calls it.
class ResultCache {
 public:
  struct Entry {
    Digest source;                  // of which it was made
    std::uint64_t bytes = 0;        // on the disk
    std::uint64_t cost_micros = 0;  // to make it again
  };
  /// Results whose files are to be removed.
  using Drops = std::vector<Digest>;

  /// @param quota  bytes; 0: nothing is kept.
  explicit ResultCache(std::uint64_t quota) : quota_(quota) {}

  /// Whether a result of so many bytes would be kept at all: a quarter of the quota at most, so
  /// that one does not take the place of all others.
  [[nodiscard]] bool would_keep(std::uint64_t bytes) const {
    return bytes > 0 && bytes <= quota_ / 4;
  }
  /// Adds one whose file is there, or takes it as made anew. @returns what goes instead; itself, if
  /// it would not be kept.
  [[nodiscard]] Drops add(const Digest& key, const Entry& entry);
  [[nodiscard]] bool contains(const Digest& key) const { return entries_.contains(key); }

  /// It is used once more, and held until `let_go`. `key` is kept.
  void hold(const Digest& key);
  /// @returns its own key if it was removed while it was held.
  [[nodiscard]] Drops let_go(const Digest& key);

  /// Forgets one. @returns its key if the file can go now; none if it is held or was not kept.
  [[nodiscard]] Drops remove(const Digest& key);
  /// The keys of all that was made of this source; the owner removes them.
  [[nodiscard]] std::vector<Digest> made_of(const Digest& source) const;

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t quota() const { return quota_; }
  [[nodiscard]] std::size_t count() const { return entries_.size(); }
  void check_invariants() const;

 private:
  struct Place {  // the first goes first; of equals, the one that was used longest ago
    std::uint64_t priority = 0;
    std::uint64_t turn = 0;
    Digest key;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Kept {
    Entry entry;
    std::uint64_t uses = 1;
    Place place;
  };

  [[nodiscard]] std::uint64_t worth_of(const Kept& kept) const;
  void put_in_order(const Digest& key, Kept& kept);
  void erase(const Digest& key);
  void make_room(Drops& drops);
  void begin_age_anew();

  std::uint64_t quota_;
  std::uint64_t bytes_ = 0;
  std::uint64_t age_ = 0;
  std::uint64_t turn_ = 0;
  std::map<Digest, Kept> entries_;
  std::set<Place> order_;
  std::set<std::pair<Digest, Digest>> by_source_;  // source, key
  std::map<Digest, std::uint32_t> held_;           // how often
  std::set<Digest> doomed_;                        // held, and removed meanwhile
};

}  // namespace pixmesh
