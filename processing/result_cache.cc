#include "processing/result_cache.h"

#include <algorithm>

#include "base/invariant.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t uses_max = 1ULL << 16;
constexpr std::uint64_t cost_max = 1ULL << 32;  // microseconds: over an hour
constexpr std::uint64_t age_max = 1ULL << 61;
constexpr std::uint64_t scale = 1024;  // a KiB counts as one

}  // namespace

// At most 2^58: with an age below 2^61 no sum is too large.
std::uint64_t ResultCache::worth_of(const Kept& kept) const {
  const std::uint64_t cost = std::clamp<std::uint64_t>(kept.entry.cost_micros, 1, cost_max);
  return std::min(kept.uses, uses_max) * cost * scale /
         std::max<std::uint64_t>(kept.entry.bytes, 1);
}

void ResultCache::put_in_order(const Digest& key, Kept& kept) {
  order_.erase(kept.place);
  kept.place = {age_ + worth_of(kept), ++turn_, key};
  order_.insert(kept.place);
}

ResultCache::Drops ResultCache::add(const Digest& key, const Entry& entry) {
  if (!would_keep(entry.bytes)) {
    Drops drops = remove(key);
    if (drops.empty() && !held_.contains(key)) drops.push_back(key);
    return drops;
  }
  erase(key);
  doomed_.erase(key);
  Kept& kept = entries_[key];
  kept.entry = entry;
  bytes_ += entry.bytes;
  by_source_.emplace(entry.source, key);
  put_in_order(key, kept);
  Drops drops;
  make_room(drops);
  return drops;
}

void ResultCache::make_room(Drops& drops) {
  for (auto next = order_.begin(); bytes_ > quota_ && next != order_.end();) {
    const Place place = *next++;
    if (held_.contains(place.key)) continue;
    age_ = std::max(age_, place.priority);
    drops.push_back(place.key);
    erase(place.key);
  }
  if (age_ > age_max) begin_age_anew();
}

void ResultCache::begin_age_anew() {
  order_.clear();
  for (auto& [key, kept] : entries_) {
    kept.place.priority -= std::min(kept.place.priority, age_);
    order_.insert(kept.place);
  }
  age_ = 0;
}

void ResultCache::erase(const Digest& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  bytes_ -= found->second.entry.bytes;
  order_.erase(found->second.place);
  by_source_.erase({found->second.entry.source, key});
  entries_.erase(found);
}

void ResultCache::hold(const Digest& key) {
  const auto found = entries_.find(key);
  invariant(found != entries_.end(), "only what is kept can be held");
  ++held_[key];
  ++found->second.uses;
  put_in_order(key, found->second);
}

ResultCache::Drops ResultCache::let_go(const Digest& key) {
  const auto found = held_.find(key);
  invariant(found != held_.end(), "only what is held can be let go");
  if (--found->second > 0) return {};
  held_.erase(found);
  Drops drops;
  if (doomed_.erase(key) > 0) drops.push_back(key);
  make_room(drops);
  return drops;
}

ResultCache::Drops ResultCache::remove(const Digest& key) {
  if (!entries_.contains(key)) return {};
  erase(key);
  if (!held_.contains(key)) return {key};
  doomed_.insert(key);
  return {};
}

std::vector<Digest> ResultCache::made_of(const Digest& source) const {
  std::vector<Digest> keys;
  for (auto next = by_source_.lower_bound({source, Digest{}});
       next != by_source_.end() && next->first == source; ++next) {
    keys.push_back(next->second);
  }
  return keys;
}

void ResultCache::check_invariants() const {
  std::uint64_t sum = 0, free = 0;
  for (const auto& [key, kept] : entries_) {
    sum += kept.entry.bytes;
    if (!held_.contains(key)) free += kept.entry.bytes;
    invariant(order_.contains(kept.place), "what is kept has its place in the order");
    invariant(by_source_.contains({kept.entry.source, key}), "what is kept is found by its source");
  }
  invariant(sum == bytes_, "the bytes kept are counted");
  invariant(free <= quota_, "what is kept fits the quota");
  invariant(order_.size() == entries_.size() && by_source_.size() == entries_.size(),
            "what is gone has no place");
  for (const Digest& key : doomed_)
    invariant(held_.contains(key), "a file stays for whoever reads");
}

}  // namespace pixmesh
