#include "replication/version_floors.h"

#include <algorithm>
#include <utility>

namespace pixmesh {

Version VersionFloors::ask(Instant now, const NameDigest& name, std::optional<Version> version) {
  begin_generation_if_due(now);
  auto found = names_.find(name);
  if (found == names_.end()) {
    const auto older = older_.find(name);
    if (older == older_.end() && !version) return {};
    found = names_.emplace(name, older == older_.end() ? Taken{} : older->second).first;
  }
  Taken& taken = found->second;
  if (now >= taken.fresh_since + options_.settles_after) {
    taken.settled = std::max(taken.settled, std::exchange(taken.fresh, {}));
    taken.fresh_since = now;
  }
  if (version) taken.fresh = std::max(taken.fresh, *version);
  return taken.settled;
}

void VersionFloors::begin_generation_if_due(Instant now) {
  if (now < begun_at_ + options_.kept_for && names_.size() < options_.names_max) return;
  older_ = std::exchange(names_, {});
  begun_at_ = now;
}

}  // namespace pixmesh
