// I17: what a node says about itself (images, bytes, missing copies) is what is on its disk; and
// while a holder is silent it says that copies are missing.
#include <algorithm>

#include "simulations/checks/beliefs.h"
#include "simulations/checks/check.h"
#include "wire/fields.h"
#include "wire/message.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr Duration said_within = 5s;

class Accounting : public Check {
 public:
  explicit Accounting(const Scene& scene) : Check(scene, "I17"), beliefs_(scene.world) {}

  void on_sent(PartyId from, PartyId, Plane plane, ByteView message) override {
    if (plane != Plane::control || from >= scene_.world.node_count()) return;
    if (message_number_of(message) != Fields<StatusAnswer>::number) return;
    const auto decoded = decode_message(message);
    const auto* status = decoded ? std::get_if<StatusAnswer>(&decoded.value()) : nullptr;
    if (status != nullptr) look_at_shortage(from, *status);
  }
  void on_crashed(std::uint32_t node) override {
    beliefs_.forget(node);
    unsaid_.erase(node);
  }

  void at_rest() override {
    for (const std::uint32_t node : scene_.world.running()) {
      const StatusAnswer status = scene_.world.status(node);
      std::uint64_t images = 0;
      std::uint64_t bytes = 0;
      std::uint64_t lost = 0;  // of which nobody has whole bytes any more
      scene_.world.for_each_record(node, [&](const auto&, const VirtualDisk::Record& stored) {
        const ImageRecord record = decode_record(stored.bytes).value();
        if (record.tombstone) return;
        ++images;
        bytes += record.size;
        lost += scene_.world.is_lost(blob_path(record.digest, record.media)) ? 1 : 0;
      });
      const std::string who = "node " + std::to_string(node) + " says ";
      if (status.images != images) {
        report(who + std::to_string(status.images) + " images and has " + std::to_string(images),
               {node});
      }
      if (status.bytes != bytes) report(who + "another number of bytes than it has", {node});
      if (!tells_of_disks(status, scene_.world.disks(node))) {
        report(who + "another state of its disks than they have", {node});
      }
      if (status.unsettled != 0) report(who + "partitions are in motion at rest", {node});
      if (status.under_replicated <= lost) continue;
      // A hint may still be on its way to a holder that has caught up otherwise.
      const auto none_short = [&] { return scene_.world.status(node).under_replicated <= lost; };
      const Instant late = scene_.world.now() + hints_end_within;
      while (scene_.world.now() < late && !none_short()) scene_.world.run_for(1s);
      if (none_short()) continue;
      report(who + std::to_string(status.under_replicated) + " images lack copies, and none does",
             {node});
    }
  }

 private:
  [[nodiscard]] static bool tells_of_disks(const StatusAnswer& status,
                                           const std::vector<VirtualDisk*>& disks) {
    return std::ranges::equal(status.disks, disks, [](const auto& told, const auto* disk) {
      return (told.state == "failed") == disk->has_failed();
    });
  }
  struct Shortage {
    HolderLists lists;
    std::vector<NodeId> silent;  // by id
  };
  using Short = std::map<PartitionId, Shortage>;
  struct Unsaid {
    Instant at;
    Short partitions;
  };

  // What changes while the answer is made is no fault: only what it leaves out twice, and a while
  // apart, is.
  void look_at_shortage(std::uint32_t node, const StatusAnswer& status) {
    // A disk that is behind has other lists than the node goes by.
    const bool is_right = status.under_replicated > 0 || scene_.world.is_behind(node);
    const Short now = is_right ? Short{} : short_at(node);
    const auto before = unsaid_.find(node);
    if (now.empty()) {
      unsaid_.erase(node);
    } else if (before == unsaid_.end()) {
      unsaid_[node] = {scene_.world.now(), now};
    } else if (before->second.at + said_within < scene_.world.now()) {
      for (const auto& [partition, shortage] : now) {
        const auto same = before->second.partitions.find(partition);
        if (same == before->second.partitions.end()) continue;
        if (same->second.lists != shortage.lists) continue;
        if (count_common(same->second.silent, shortage.silent) == 0) continue;
        report("node " + std::to_string(node) +
                   " says that no copies are missing, and a holder of " + "partition " +
                   std::to_string(partition.raw) + " is silent",
               {node});
        return;
      }
      before->second = {scene_.world.now(), now};
    }
  }
  // Partitions with images of which another holder has long been silent, and which this node is to
  // count: it is the lowest living holder.
  [[nodiscard]] Short short_at(std::uint32_t node) {
    Short found;
    scene_.world.for_each_record(node, [&](const auto& key, const VirtualDisk::Record& stored) {
      if (found.contains(key.first) || decode_record(stored.bytes).value().tombstone) return;
      const auto lists = scene_.world.stored_lists(node, key.first);
      if (!lists) return;
      std::vector<NodeId> silent = silent_of(node, *lists);
      if (!silent.empty()) found[key.first] = {*lists, std::move(silent)};
    });
    return found;
  }
  [[nodiscard]] std::vector<NodeId> silent_of(std::uint32_t node, const HolderLists& lists) {
    std::vector<NodeId> silent;
    std::optional<NodeId> lowest;
    for (const NodeId& holder : holders_of(lists)) {
      const auto since = beliefs_.silent_since(node, holder);
      if (since) {
        if (*since + said_within < scene_.world.now()) silent.push_back(holder);
      } else if (!lowest) {
        lowest = holder;
      }
    }
    if (lowest != scene_.world.id_of(node)) silent.clear();
    return silent;
  }

  Beliefs beliefs_;
  std::map<std::uint32_t, Unsaid> unsaid_;
};

}  // namespace

CheckPtr make_i17(const Scene& scene) { return std::make_unique<Accounting>(scene); }

}  // namespace pixmesh
