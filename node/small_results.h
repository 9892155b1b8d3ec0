#pragma once

#include <list>
#include <map>

#include "base/bytes.h"
#include "base/ids.h"

namespace pixmesh {

/// The bytes of small kept results that were asked for lately, so that asking again needs no disk.
/// The least recently used go when there is no room. Every call takes O(log n).
class SmallResults {
 public:
  explicit SmallResults(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void add(const Digest& key, Bytes bytes);
  /// Null if it is not here. Counts as a use.
  [[nodiscard]] const Bytes* find(const Digest& key);
  void remove(const Digest& key);

 private:
  struct Entry {
    Digest key;
    Bytes bytes;
  };
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<Entry> by_use_;  // the latest first
  std::map<Digest, std::list<Entry>::iterator> by_key_;
};

}  // namespace pixmesh
