#include "node/result_names.h"

namespace pixmesh {

void KnownNames::add(const std::string& name) {
  if (names.contains(name)) return;
  if (names.size() < most) {
    names.insert(name);
  } else {
    more = true;
  }
}

void ResultNames::remove(const std::vector<std::string>& names, const Digest& key) {
  for (const std::string& name : names) keys_.erase({name, key});
  with_others_.erase(key);
}

std::vector<Digest> ResultNames::made_for(const std::string& name) const {
  std::vector<Digest> keys(with_others_.begin(), with_others_.end());
  for (auto next = keys_.lower_bound({name, Digest{}}); next != keys_.end() && next->first == name;
       ++next) {
    keys.push_back(next->second);
  }
  return keys;
}

std::vector<Digest> ResultNames::made_under(const std::string& prefix) const {
  std::vector<Digest> keys(with_others_.begin(), with_others_.end());
  for (auto next = keys_.lower_bound({prefix, Digest{}});
       next != keys_.end() && next->first.starts_with(prefix); ++next) {
    keys.push_back(next->second);
  }
  return keys;
}

}  // namespace pixmesh
