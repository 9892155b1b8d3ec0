// I10: no temp file without an upload, no record without its files (but one that says that its
// bytes are lost), no file without a record once the sweep is over.
#include <algorithm>

#include "simulations/checks/check.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr Duration disk_catches_up_within = 1s;  // with what nobody waits for
constexpr Duration borrowed_kept = 35s;          // copies for hot images, since their last run
constexpr Duration sweep_after = 120s;  // an upload may live that long, and its blob a minute more

class Tidiness : public Check {
 public:
  explicit Tidiness(const Scene& scene) : Check(scene, "I10") {}

  void at_rest() override {
    scene_.world.run_for(disk_catches_up_within);
    (void)scene_.world.run_until([this] { return !has_temps(); }, borrowed_kept);
    for (const std::uint32_t node : scene_.world.running()) look_at(node);
  }

 private:
  [[nodiscard]] bool has_temps() const {
    const std::vector<std::uint32_t> running = scene_.world.running();
    return std::ranges::any_of(running, [this](std::uint32_t node) {
      return std::ranges::any_of(scene_.world.disks(node),
                                 [](const auto* disk) { return disk->temp_count() > 0; });
    });
  }
  void look_at(std::uint32_t node) {
    for (const VirtualDisk* disk : scene_.world.disks(node)) look_at(node, *disk);
  }
  void look_at(std::uint32_t node, const VirtualDisk& disk) {
    const std::string where = "node " + std::to_string(node) + " has ";
    if (disk.temp_count() > 0) report(where + "temp files at rest", {node});
    std::set<std::string> named;
    for (const auto& [key, stored] : disk.records()) {
      const ImageRecord record = decode_record(stored.bytes).value();
      const std::string path = record_path(key.first, key.second);
      if (!disk.file(path))
        report(where + "no file of the record of '" + stored.name + "'", {node});
      if (record.tombstone) continue;
      const std::string bytes = blob_path(record.digest, record.media);
      named.insert(bytes);
      const bool says_lost = scene_.world.is_lost(bytes) && disk.is_damaged(record.digest);
      if (!disk.file(bytes) && !says_lost) {
        report(where + "no bytes of '" + stored.name + "'", {node});
      }
    }
    for (const std::string& path : disk.blob_paths()) {
      if (named.contains(path) || scene_.world.now() < disk.published_at(path) + sweep_after) {
        continue;
      }
      report(where + path + ", which no record names", {node});
    }
  }
};

}  // namespace

CheckPtr make_i10(const Scene& scene) { return std::make_unique<Tidiness>(scene); }

}  // namespace pixmesh
