// I5: all holders of a name agree on one winner, and it is not older than any acknowledged write.
// No two of them ever have different records of one version, which nothing would tell apart, and
// tags bring no bytes back that were replaced.
// What was acknowledged and is said once more keeps its version, so that it undoes nothing newer;
// where W holders did not keep the wish, or two tries of it at once were given two versions, that
// is counted as a shortfall.
#include <algorithm>
#include <set>

#include "replication/request_memory.h"
#include "simulations/checks/stored_copies.h"

namespace pixmesh {
namespace {

class Agreement : public Check {
 public:
  explicit Agreement(const Scene& scene) : Check(scene, "I5"), copies_(scene) {
    const auto& events = scene.scenario.events;
    repeats_ = std::any_of(events.begin(), events.end(), [](const Event& event) {
      return event.kind == EventKind::put_again || event.kind == EventKind::remove_again;
    });
  }

  void on_write(const WriteSeen& seen) override {
    Kept& kept = kept_[seen.write.request];
    if (!seen.repeated) {
      kept.by = keepers_of(seen.write);
      kept.partition = scene_.world.partition_of_name(seen.write.name);
      return;
    }
    if (seen.done.version == seen.write.version) return;
    if (kept.versions.contains(seen.done.version)) return scene_.findings.count_shortfall();
    const auto still = std::count_if(kept.by.begin(), kept.by.end(), [&](std::uint32_t node) {
      if (scene_.loses_disk(node)) return false;  // and with it what it was asked before
      return scene_.world.is_member(node);        // wherever the partition went, the wish went too
    });
    if (static_cast<std::uint64_t>(still) < scene_.scenario.write_quorum) {
      return scene_.findings.count_shortfall();
    }
    report("write " + std::to_string(seen.write.number) + " of '" + seen.write.name +
               "', said once more, was written anew",
           {seen.via});
  }
  void on_record_changing(std::uint32_t node, const VirtualDisk::Key& key, const std::string& name,
                          bool dropping) override {
    if (!dropping) touched_.insert({node, {key, name}});
  }
  void on_step(std::uint32_t) override {
    for (const auto& [node, changed] : touched_) {
      const auto& [key, name] = changed;
      const VirtualDisk& disk = scene_.world.disk_of(node, key.first);
      if (disk.records().contains(key)) compare_with_others(node, name);
    }
    touched_.clear();
  }
  void on_scan() override {
    if (!repeats_) return;  // nobody will ask which versions a wish ever had
    for (auto& [request, kept] : kept_) {
      const Bytes key = request_key(kept.partition, request);
      for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
        const auto row = scene_.world.disk_of(node, kept.partition).row(Table::requests, key);
        const auto version = row ? parse_request_row(*row) : std::nullopt;
        if (version) kept.versions.insert(*version);
      }
    }
  }
  void at_rest() override {
    for (const auto& [name, history] : scene_.oracle.names()) look_at(name, history);
  }

 private:
  // Nodes whose disk remembers the wish with the version it was acknowledged with.
  [[nodiscard]] std::vector<std::uint32_t> keepers_of(const Write& write) {
    std::vector<std::uint32_t> keepers;
    const PartitionId partition = scene_.world.partition_of_name(write.name);
    const Bytes key = request_key(partition, write.request);
    for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
      const auto row = scene_.world.disk_of(node, partition).row(Table::requests, key);
      if (row && parse_request_row(*row) == write.version) keepers.push_back(node);
    }
    return keepers;
  }
  void compare_with_others(std::uint32_t node, const std::string& name) {
    const auto record = copies_.record_of(node, name);
    if (!record) return;
    const auto [known, is_new] = records_[name].try_emplace(record->version, *record);
    if (is_new || known->second == *record) return;
    report("node " + std::to_string(node) + " has another record of '" + name +
               "' than one before, with the same version",
           {node});
  }
  void look_at(const std::string& name, const NameHistory& history) {
    const Write* newest = history.newest_acknowledged();
    std::optional<ImageRecord> winner;
    for (const std::uint32_t node : scene_.world.running()) {
      const auto record = copies_.record_of(node, name);
      if (!record) continue;
      if (winner && *winner != *record) {
        return report("two holders have different records of '" + name + "'", {node});
      }
      winner = record;
      if (history.find(record->request) == nullptr) {
        return report("nobody wished for the record of '" + name + "'", {node});
      }
    }
    if (winner) look_at_tags(*winner, history);
    if (newest == nullptr || (winner && winner->version >= newest->version)) return;
    report("the winner of '" + name + "' is older than write " + std::to_string(newest->number) +
           ", which was acknowledged");
  }

  // Tags change no bytes: whoever did not see the newest write must not undo it.
  void look_at_tags(const ImageRecord& winner, const NameHistory& history) {
    if (history.find(winner.request)->kind != WriteKind::tags) return;
    if (history.may_be_tagged(winner.digest, winner.version)) return;
    report("tags of '" + winner.name + "' undid a write that was acknowledged");
  }

  StoredCopies copies_;
  std::set<std::pair<std::uint32_t, std::pair<VirtualDisk::Key, std::string>>> touched_;  // now
  std::map<std::string, std::map<Version, ImageRecord>> records_;  // that anybody ever had
  struct Kept {
    PartitionId partition;
    std::vector<std::uint32_t> by;  // nodes, when it was acknowledged
    std::set<Version> versions;     // that were given to it, as the scans saw
  };
  bool repeats_ = false;            // some wish is said again
  std::map<RequestId, Kept> kept_;  // acknowledged wishes
};

}  // namespace

CheckPtr make_i05(const Scene& scene) { return std::make_unique<Agreement>(scene); }

}  // namespace pixmesh
