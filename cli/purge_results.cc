#include "cli/purge_results.h"

#include <algorithm>

namespace pixmesh {
namespace {

constexpr std::size_t one_question = 500;  // of each kind; names are at most 1 KiB

template <typename T>
std::vector<T> part_of(const std::vector<T>& all, std::size_t from) {
  const std::size_t begin = std::min(all.size(), from);
  const std::size_t end = std::min(all.size(), from + one_question);
  return {all.begin() + static_cast<std::ptrdiff_t>(begin),
          all.begin() + static_cast<std::ptrdiff_t>(end)};
}

}  // namespace

void PurgeSums::add(const PurgeSums& more) {
  dropped += more.dropped;
  bytes += more.bytes;
  for (const auto& [node, report] : more.missed) missed.insert_or_assign(node, report);
}

Result<PurgeSums> purge_results(Client& client, const PurgeWish& wish) {
  PurgeSums sums;
  const std::size_t most = std::max({wish.sources.size(), wish.names.size(), wish.prefixes.size()});
  for (std::size_t at = 0; at < most; at += one_question) {
    const auto reports = client.purge(
        {part_of(wish.sources, at), part_of(wish.names, at), part_of(wish.prefixes, at)});
    if (!reports) return reports.error();
    bool reached = false;
    for (const PurgeReport& report : reports.value()) {
      sums.dropped += report.dropped;
      sums.bytes += report.bytes;
      if (!report.problem.empty()) sums.missed.insert_or_assign(report.node, report);
      reached = reached || report.problem.empty();
    }
    if (!reached) return Error{ErrorCode::unreachable, "no node answers"};
  }
  return sums;
}

}  // namespace pixmesh
