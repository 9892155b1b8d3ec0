#include "simulations/world/virtual_results.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/limits.h"

namespace pixmesh {
VirtualResults::VirtualResults(VirtualClock& clock, VirtualDisk& disk, KeptFacts& facts,
                               Duration look_through, Told told)
    : clock_(clock),
      disk_(disk),
      facts_(facts),
      told_(std::move(told)),
      alive_(std::make_shared<bool>(true)) {
  clock_.after(look_through, [this, alive = alive_] {
    if (!*alive) return;
    const KeptFacts found = facts_;  // what it tells may change them
    for (auto [key, kept] : found) {
      kept.found = true;
      told_(kept);
    }
    told_(AllResultsFound{});
  });
}

VirtualResults::~VirtualResults() { *alive_ = false; }

void VirtualResults::keep(ResultToKeep result) {
  in_order([this, result = std::move(result)] { write(result); });
}

void VirtualResults::write(const ResultToKeep& result) {
  ResultKept kept{result.key, result.extension, result.facts, Error{ErrorCode::not_found, ""}};
  const SharedBytes output =
      disk_.file(result.output_path.substr(result.output_path.find("scratch/")));
  if (output) {
    KeptBytes bytes;
    bytes.size = output->size();
    for (std::size_t at = 0; at < output->size(); at += chunk_bytes_max) {
      const ByteView rest = ByteView(*output).subspan(at);
      bytes.checksums.push_back(
          chunk_checksum(rest.first(std::min<std::size_t>(rest.size(), chunk_bytes_max))));
    }
    kept.kept = std::move(bytes);
    disk_.write_file(result_path(result.key, result.extension), Bytes(*output));
    facts_.insert_or_assign(result.key, kept);
  }
  told_(kept);
}

void VirtualResults::keep_facts(FactsToKeep facts) {
  in_order([this, facts = std::move(facts)] {
    const auto kept = facts_.find(facts.key);
    if (kept == facts_.end()) return;
    kept->second.facts = facts.facts;
    kept->second.kept = facts.bytes;
  });
}

void VirtualResults::drop(const Digest& key, const std::string& extension) {
  in_order([this, key, extension] {
    disk_.remove_file(result_path(key, extension));
    facts_.erase(key);
  });
}

void VirtualResults::in_order(std::function<void()> order) {
  const Instant now = clock_.now();
  free_at_ = std::max(free_at_, now) + time;
  clock_.after(free_at_ - now, [alive = alive_, order = std::move(order)] {
    if (*alive) order();
  });
}

}  // namespace pixmesh
