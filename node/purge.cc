// Results that are to be forgotten: by the image they were made of, or by its name.
#include <algorithm>

#include "node/results.h"

namespace pixmesh {
namespace {

constexpr std::size_t wishes_max = 1'000;  // of each kind, in one question

bool is_within_bounds(const PurgeRequest& wish) {
  const auto is_name = [](const std::string& name) { return bool(check_name(name)); };
  const auto is_prefix = [](const std::string& prefix) {
    return !prefix.empty() && prefix.size() <= name_bytes_max;
  };
  return wish.sources.size() <= wishes_max && wish.names.size() <= wishes_max &&
         wish.prefixes.size() <= wishes_max && std::ranges::all_of(wish.names, is_name) &&
         std::ranges::all_of(wish.prefixes, is_prefix);
}

}  // namespace

void Results::on_purge(LinkId from, const PurgeRequest& wish) {
  if (!is_within_bounds(wish)) return;  // no client of ours says such a thing
  PurgeAnswer answer;
  answer.operation = wish.operation;
  // What an earlier process kept comes one by one after the start: some of it may still come.
  for (const Digest& source : wish.sources) {
    forget_all(cache_.made_of(source), answer);
    failed_.forget_source(source);
    gone_.add_source(source);
  }
  for (const std::string& name : wish.names) {
    forget_all(names_.made_for(name), answer);
    gone_.add_name(name);
  }
  for (const std::string& prefix : wish.prefixes) {
    forget_all(names_.made_under(prefix), answer);
    gone_.add_prefix(prefix);
  }
  const auto is_meant = [&](const std::string& name) {
    return std::ranges::count(wish.names, name) > 0 ||
           std::ranges::any_of(wish.prefixes,
                               [&](const std::string& prefix) { return name.starts_with(prefix); });
  };
  const bool by_name = !wish.names.empty() || !wish.prefixes.empty();
  do_not_keep([&](const Flight& flight) {
    return std::ranges::count(wish.sources, flight.start.input.digest) > 0 ||
           (by_name && flight.names.more) || std::ranges::any_of(flight.names.names, is_meant);
  });
  post_.to_link(from, std::move(answer));
}

void Results::on_removed(const std::string& name) {
  PurgeAnswer sums;
  forget_all(names_.made_for(name), sums);
  gone_.add_name(name);
  do_not_keep(
      [&](const Flight& flight) { return flight.names.more || flight.names.names.contains(name); });
}

void Results::forget_all(const std::vector<Digest>& keys, PurgeAnswer& sums) {
  const std::uint64_t before = cache_.bytes();
  for (const Digest& key : keys) {
    if (cache_.contains(key)) ++sums.dropped;
    forget_kept(key);
  }
  sums.bytes += before - cache_.bytes();
}

// What is being made of it is given to those who wait, and to nobody else.
void Results::do_not_keep(const std::function<bool(const Flight&)>& is_meant) {
  for (auto& [id, flight] : flights_) {
    if (!is_meant(flight)) continue;
    flight.is_fresh = false;
    const auto place = joinable_.find(flight.key);
    if (place != joinable_.end() && place->second == id) joinable_.erase(place);
  }
}

}  // namespace pixmesh
