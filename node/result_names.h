#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace pixmesh {

/// Names for which one result was made or given out: the first ones, and whether there were others.
struct KnownNames {
  static constexpr std::size_t most = 64;
  std::set<std::string> names;
  bool more = false;  // others than these

  void add(const std::string& name);
  template <typename Names>
  void add(const Names& others, bool others_more) {
    for (const std::string& name : others) add(name);
    more = more || others_more;
  }
};

/// For which names results were made or given out, so that they are found when an image of that
/// name is purged or removed, whatever it was at that time. Each call takes O(log n) and a little
/// for each result that it is about.
///
/// Of a result with more names than are remembered it is not known which ones: it is found by any.
/// That makes it again once for 64 names at most.
class ResultNames {
 public:
  void add(const std::string& name, const Digest& key) { keys_.emplace(name, key); }
  /// It has others than those that were added.
  void add_others(const Digest& key) { with_others_.insert(key); }
  void remove(const std::vector<std::string>& names, const Digest& key);

  /// A key may be there more than once.
  [[nodiscard]] std::vector<Digest> made_for(const std::string& name) const;
  /// For any name that begins so; a key may be there more than once.
  [[nodiscard]] std::vector<Digest> made_under(const std::string& prefix) const;
  [[nodiscard]] std::size_t count() const { return keys_.size(); }

 private:
  std::set<std::pair<std::string, Digest>> keys_;
  std::set<Digest> with_others_;
};

}  // namespace pixmesh
