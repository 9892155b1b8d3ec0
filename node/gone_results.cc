#include "node/gone_results.h"

#include <algorithm>
#include <iterator>

namespace pixmesh {
namespace {

constexpr std::size_t most = 10'000;

}  // namespace

bool GoneResults::has_room() {
  if (over_) return false;
  all_ = all_ || sources_.size() + names_.size() + prefixes_.size() >= most;
  return !all_;
}

void GoneResults::add_source(const Digest& source) {
  if (has_room()) sources_.insert(source);
}

void GoneResults::add_name(const std::string& name) {
  if (has_room()) names_.insert(name);
}

void GoneResults::add_prefix(const std::string& prefix) {
  if (!has_room() || is_under_prefix(prefix)) return;
  const auto covered = [&](const std::string& one) { return one.starts_with(prefix); };
  const auto first = prefixes_.lower_bound(prefix);
  prefixes_.erase(first, std::find_if_not(first, prefixes_.end(), covered));
  prefixes_.insert(prefix);
}

void GoneResults::end() {
  *this = {};
  over_ = true;
}

bool GoneResults::has(const ResultFacts& facts) const {
  if (all_ || sources_.contains(facts.source)) return true;
  const bool any_name = !names_.empty() || !prefixes_.empty();
  if (facts.more_names && any_name) return true;  // it may be one of those
  return std::ranges::any_of(facts.names,
                             [this](const std::string& name) { return has_name(name); });
}

bool GoneResults::has_name(const std::string& name) const {
  return names_.contains(name) || is_under_prefix(name);
}

// What lies between a prefix of the name and the name begins with that prefix too.
bool GoneResults::is_under_prefix(const std::string& name) const {
  const auto next = prefixes_.upper_bound(name);
  return next != prefixes_.begin() && name.starts_with(*std::prev(next));
}

}  // namespace pixmesh
