#include "simulations/oracle/oracle.h"

#include <algorithm>

namespace pixmesh {

const Write* NameHistory::find(const RequestId& request) const {
  const auto found = std::find_if(writes.begin(), writes.end(),
                                  [&](const Write& write) { return write.request == request; });
  return found == writes.end() ? nullptr : &*found;
}

Version NameHistory::acknowledged_by(Instant at) const {
  Version newest;
  for (const Write& write : writes) {
    for (const Write::Receipt& receipt : write.receipts) {
      if (receipt.at <= at) newest = std::max(newest, receipt.version);
    }
  }
  return newest;
}

const Write* NameHistory::newest_acknowledged() const {
  const Write* newest = nullptr;
  for (const Write& write : writes) {
    if (!write.acknowledged_at) continue;
    if (newest == nullptr || newest->version < write.version) newest = &write;
  }
  return newest;
}

bool NameHistory::may_be_tagged(const Digest& digest, const Version& version) const {
  const Write* newest = nullptr;
  for (const Write& write : writes) {
    if (write.kind == WriteKind::tags || !write.acknowledged_at) continue;
    if (version < write.version) continue;
    if (newest == nullptr || newest->version < write.version) newest = &write;
  }
  if (newest == nullptr) return true;
  return std::any_of(writes.begin(), writes.end(), [&](const Write& write) {
    if (write.kind == WriteKind::tags || write.digest != digest) return false;
    return write.tries > 1 || !write.acknowledged_at || *write.acknowledged_at >= newest->begun;
  });
}

bool NameHistory::may_be_absent(Instant begun) const {
  const Version newest = acknowledged_by(begun);
  if (newest.clock == 0) return true;
  return std::any_of(writes.begin(), writes.end(), [&](const Write& write) {
    if (write.kind != WriteKind::deletion || write.refused) return false;
    return !write.acknowledged_at || write.version >= newest;
  });
}

void Oracle::on_begun(Write write) {
  NameHistory& history = names_[write.name];
  if (history.find(write.request) == nullptr) history.writes.push_back(std::move(write));
}

void Oracle::on_acknowledged(const std::string& name, const RequestId& request, Instant now,
                             const Version& version) {
  for (Write& write : names_[name].writes) {
    if (write.request != request) continue;
    if (!write.acknowledged_at) {
      write.acknowledged_at = now;
      ++acknowledged_count_;
    }
    write.version = std::max(write.version, version);
    write.receipts.push_back({now, version});
  }
}

void Oracle::on_tried(const std::string& name, const RequestId& request) {
  for (Write& write : names_[name].writes) {
    if (write.request == request && !write.acknowledged_at) ++write.tries;
  }
}

void Oracle::on_refused(const std::string& name, const RequestId& request) {
  for (Write& write : names_[name].writes) {
    if (write.request == request && !write.acknowledged_at) write.refused = true;
  }
}

const NameHistory* Oracle::history_of(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

}  // namespace pixmesh
