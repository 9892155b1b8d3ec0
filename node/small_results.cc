#include "node/small_results.h"

#include <utility>

namespace pixmesh {

void SmallResults::add(const Digest& key, Bytes bytes) {
  remove(key);
  bytes_ += bytes.size();
  by_use_.push_front({key, std::move(bytes)});
  by_key_[key] = by_use_.begin();
  while (bytes_ > bytes_max_) remove(Digest(by_use_.back().key));
}

const Bytes* SmallResults::find(const Digest& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return &found->second->bytes;
}

void SmallResults::remove(const Digest& key) {
  const auto found = by_key_.extract(key);
  if (!found) return;
  bytes_ -= found.mapped()->bytes.size();
  by_use_.erase(found.mapped());
}

}  // namespace pixmesh
