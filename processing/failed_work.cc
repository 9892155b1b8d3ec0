#include "processing/failed_work.h"

#include <algorithm>
#include <utility>

namespace pixmesh {
namespace {

constexpr std::uint32_t crashes_max = 2;
constexpr Duration remembered_for = 10min;
constexpr std::size_t failures_max = 1'000;

}  // namespace

void FailedWork::on_crash(Instant now, const Digest& key, const Digest& source, std::string text) {
  std::erase_if(failures_, [now](const auto& entry) { return entry.second.until <= now; });
  if (!failures_.contains(key) && failures_.size() >= failures_max) {
    failures_.erase(std::ranges::min_element(failures_, {},
                                             [](const auto& entry) { return entry.second.until; }));
  }
  Failure& failure = failures_[key];
  failure.source = source;
  ++failure.crashes;
  failure.text = std::move(text);
  failure.until = now + remembered_for;
}

void FailedWork::forget_source(const Digest& source) {
  std::erase_if(failures_, [&](const auto& entry) { return entry.second.source == source; });
}

bool FailedWork::knows(Instant now, const Digest& key) const {
  const auto found = failures_.find(key);
  return found != failures_.end() && now < found->second.until;
}

std::optional<FailedWork::Refusal> FailedWork::refusal_of(Instant now, const Digest& key) const {
  const auto found = failures_.find(key);
  if (found == failures_.end() || now >= found->second.until) return std::nullopt;
  if (found->second.crashes < crashes_max) return std::nullopt;
  return Refusal{found->second.text, found->second.until - now};
}

}  // namespace pixmesh
