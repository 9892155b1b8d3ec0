#include "node/result_names.h"

namespace pixmesh {

void ResultNames::remove(const std::vector<std::string>& names, const Digest& key) {
  for (const std::string& name : names) keys_.erase({name, key});
}

std::vector<Digest> ResultNames::made_for(const std::string& name) const {
  std::vector<Digest> keys;
  for (auto next = keys_.lower_bound({name, Digest{}}); next != keys_.end() && next->first == name;
       ++next) {
    keys.push_back(next->second);
  }
  return keys;
}

std::vector<Digest> ResultNames::made_under(const std::string& prefix) const {
  std::vector<Digest> keys;
  for (auto next = keys_.lower_bound({prefix, Digest{}});
       next != keys_.end() && next->first.starts_with(prefix); ++next) {
    keys.push_back(next->second);
  }
  return keys;
}

}  // namespace pixmesh
