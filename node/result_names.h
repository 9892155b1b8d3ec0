#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace pixmesh {

/// For which names results were made or given out, so that they are found when an image of that
/// name is purged or removed, whatever it was at that time. Each call takes O(log n) and a little
/// for each result that it is about.
class ResultNames {
 public:
  void add(const std::string& name, const Digest& key) { keys_.emplace(name, key); }
  void remove(const std::vector<std::string>& names, const Digest& key);

  [[nodiscard]] std::vector<Digest> made_for(const std::string& name) const;
  /// For any name that begins so; a key may be there more than once.
  [[nodiscard]] std::vector<Digest> made_under(const std::string& prefix) const;
  [[nodiscard]] std::size_t count() const { return keys_.size(); }

 private:
  std::set<std::pair<std::string, Digest>> keys_;
};

}  // namespace pixmesh
