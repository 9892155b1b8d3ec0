// I4: no confirmed answer is older than a write that was acknowledged before the question. (The
// promise is for the writer's own session; quorums give it to everybody, so everybody is checked.)
#include <algorithm>

#include "simulations/checks/stored_copies.h"

namespace pixmesh {
namespace {

class ReadAfterWrite : public Check {
 public:
  explicit ReadAfterWrite(const Scene& scene) : Check(scene, "I4"), copies_(scene) {}

  void on_lookup(const LookupSeen& seen) override {
    const NameHistory* history = scene_.oracle.history_of(seen.name);
    if (history == nullptr || seen.answer == nullptr || !seen.answer->confirmed) return;
    if (seen.answer->code == ErrorCode::not_found) {
      if (may_be_absent(seen.name, *history, seen.begun)) return;
      return report("'" + seen.name + "' was acknowledged, and node " + std::to_string(seen.via) +
                        " says it is not there",
                    {seen.via});
    }
    if (seen.answer->code != ErrorCode{}) return;
    const Version wanted = history->acknowledged_by(seen.begun);
    if (seen.answer->record.version >= wanted) return;
    report("'" + seen.name + "' via node " + std::to_string(seen.via) + " has version " +
               std::to_string(seen.answer->record.version.clock) + ", older than " +
               std::to_string(wanted.clock) + ", which was acknowledged before",
           {seen.via});
  }

  void on_list(const ListSeen& seen) override {
    if (!seen.complete) {
      if (seen.audit) report("a listing at rest is not complete", {seen.via});
      return;
    }
    std::map<std::string, Version> listed;
    for (const ListEntry& entry : seen.entries) {
      if (!entry.tombstone) listed[entry.name] = entry.version;
    }
    for (const auto& [name, history] : scene_.oracle.names()) {
      if (name.rfind(seen.prefix, 0) != 0 || may_be_absent(name, history, seen.begun)) continue;
      const auto found = listed.find(name);
      if (found == listed.end()) {
        report("'" + name + "' is missing in a complete listing", {seen.via});
      } else if (found->second < history.acknowledged_by(seen.begun)) {
        report("'" + name + "' is listed with an old version", {seen.via});
      }
    }
  }

 private:
  // A deletion that two nodes, or one node twice, were asked for at once may have become two
  // tombstones, and the later one is newer than what was acknowledged between them.
  [[nodiscard]] bool may_be_absent(const std::string& name, const NameHistory& history,
                                   Instant begun) {
    if (history.may_be_absent(begun)) return true;
    const Version newest = history.acknowledged_by(begun);
    const bool tried_twice = std::ranges::any_of(history.writes, [](const Write& write) {
      return write.kind == WriteKind::deletion && write.tries > 1;
    });
    for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
      const auto record = copies_.record_of(node, name);
      if (!record || record->version < newest) continue;
      // The second tombstone may have been written over while a listing was under way.
      if (!record->tombstone && record->version > newest && tried_twice) return true;
      if (!record->tombstone) continue;
      const Write* wish = history.find(record->request);
      if (wish != nullptr && wish->kind == WriteKind::deletion) return true;
    }
    return false;
  }

  StoredCopies copies_;
};

}  // namespace

CheckPtr make_i04(const Scene& scene) { return std::make_unique<ReadAfterWrite>(scene); }

}  // namespace pixmesh
