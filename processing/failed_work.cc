#include "processing/failed_work.h"

#include <algorithm>

namespace pixmesh {
namespace {

constexpr Duration remembered_for = 10min;
constexpr std::size_t failures_max = 1'000;

}  // namespace

void FailedWork::on_crash(Instant now, const Digest& key, const Digest& source,
                          std::uint32_t weight, const std::string& text) {
  if (weight == 0) return;
  std::erase_if(failures_, [now](const auto& entry) { return entry.second.until <= now; });
  if (!failures_.contains(key) && failures_.size() >= failures_max) {
    failures_.erase(std::ranges::min_element(failures_, {},
                                             [](const auto& entry) { return entry.second.until; }));
  }
  Failure& failure = failures_[key];
  failure.source = source;
  failure.weight += weight;
  failure.text = text;
  failure.until = now + remembered_for;
}

void FailedWork::forget_source(const Digest& source) {
  std::erase_if(failures_, [&](const auto& entry) { return entry.second.source == source; });
}

bool FailedWork::is_to_be_tried_here(Instant now, const Digest& key) const {
  const auto found = failures_.find(key);
  return found != failures_.end() && now < found->second.until &&
         found->second.weight >= refused_at / 2;
}

std::optional<FailedWork::Refusal> FailedWork::refusal_of(Instant now, const Digest& key) const {
  const auto found = failures_.find(key);
  if (found == failures_.end() || now >= found->second.until) return std::nullopt;
  if (found->second.weight < refused_at) return std::nullopt;
  return Refusal{found->second.text, found->second.until - now};
}

}  // namespace pixmesh
