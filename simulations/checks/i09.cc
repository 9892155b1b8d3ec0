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
    for (const VirtualDisk* disk : scene_.world.disks(from)) {
      if (!has_whole(*disk, path, open->digest)) continue;
      report("node " + std::to_string(from) + " fetches " + path + ", which it has", {from});
    }
  }

 private:
  [[nodiscard]] bool has_whole(const VirtualDisk& disk, const std::string& path,
                               const Digest& digest) const {
    const SharedBytes file = disk.file(path);
    if (!file || disk.has_failed()) return false;
    if (disk.published_at(path) + just_now > scene_.world.now()) return false;
    if (digest_of(*file) != digest) return false;  // it is damaged, and is to be mended
    // Or it was, and a crash came between the new bytes and the taking back of that word.
    return !disk.row(Table::damaged, Bytes(digest.raw.begin(), digest.raw.end()));
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
