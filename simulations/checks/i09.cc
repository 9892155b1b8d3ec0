// I9: what moves, moves once: no node fetches bytes that it has and can read. A node that stops and
// starts again fetches nothing but what was written meanwhile.
#include <algorithm>

#include "base/digest.h"
#include "simulations/checks/check.h"
#include "wire/fields.h"
#include "wire/message.h"

namespace pixmesh {
namespace {

constexpr Duration just_now = 30s;  // what came while the fetch was being made ready

class Movement : public Check {
 public:
  explicit Movement(const Scene& scene) : Check(scene, "I9") {}

  void on_sent(PartyId from, PartyId, Plane plane, ByteView message) override {
    if (plane != Plane::bulk || from >= scene_.world.node_count()) return;
    if (message_number_of(message) != Fields<StreamOpen>::number) return;
    const auto decoded = decode_bulk(message);
    const auto* open = decoded ? std::get_if<StreamOpen>(&decoded.value()) : nullptr;
    if (open == nullptr || open->run || is_excused(from)) return;
    // Who is no holder borrows it for runs, whatever its disk has left of it.
    const auto lists = scene_.world.stored_lists(from, open->partition);
    if (!lists || !is_holder(*lists, scene_.world.id_of(from))) return;
    const std::string path = blob_path(open->digest, open->media);
    const VirtualDisk& disk = scene_.world.disk_of(from, open->partition);
    const SharedBytes file = disk.file(path);
    if (!file || disk.published_at(path) + just_now > scene_.world.now()) return;
    if (digest_of(*file) != open->digest) return;  // it is damaged, and is to be mended
    // Or it was, and a crash came between the new bytes and the taking back of that word.
    const Bytes digest(open->digest.raw.begin(), open->digest.raw.end());
    if (disk.row(Table::damaged, digest)) return;
    if (is_for_another_disk(from, open->digest, path)) return;
    report("node " + std::to_string(from) + " fetches " + path + ", which it has", {from});
  }

 private:
  // Names with the same bytes share one file only where they lie on the same disk.
  [[nodiscard]] bool is_for_another_disk(std::uint32_t node, const Digest& digest,
                                         const std::string& path) const {
    if (scene_.world.disks(node).size() == 1) return false;
    return std::ranges::any_of(scene_.oracle.names(), [&](const auto& entry) {
      const auto has_these = [&](const Write& write) { return write.digest == digest; };
      if (std::ranges::none_of(entry.second.writes, has_these)) return false;
      const PartitionId partition = scene_.world.partition_of_name(entry.first);
      return scene_.world.disk_of(node, partition).file(path) == nullptr;
    });
  }
  [[nodiscard]] bool is_excused(std::uint32_t node) const {
    const auto& events = scene_.scenario.events;
    return std::any_of(events.begin(), events.end(), [node](const Event& event) {
      const bool long_pause = event.kind == EventKind::pause && event.lasting >= just_now;
      const bool reads_wrong =
          event.kind == EventKind::read_errors || event.kind == EventKind::misreads;
      return event.node == node && (reads_wrong || long_pause);
    });
  }
};

}  // namespace

CheckPtr make_i09(const Scene& scene) { return std::make_unique<Movement>(scene); }

}  // namespace pixmesh
