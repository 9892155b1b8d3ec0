// I2: every acknowledged write that was not superseded is readable through every node, and every
// live target holder has a verified copy. Where more was destroyed than a mesh survives, the name
// is found all the same, its holders know that its bytes are gone, and `status` counts them.
#include <algorithm>

#include "simulations/checks/stored_copies.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

class Readability : public Check {
 public:
  explicit Readability(const Scene& scene) : Check(scene, "I2"), copies_(scene) {}

  void on_lookup(const LookupSeen& seen) override {
    if (!seen.audit) return;
    const std::string where = "'" + seen.name + "' via node " + std::to_string(seen.via) + ": ";
    if (seen.answer == nullptr) return report(where + "no answer", {seen.via});
    const bool answered =
        seen.answer->code == ErrorCode{} || seen.answer->code == ErrorCode::not_found;
    if (!answered) return report(where + seen.answer->detail, {seen.via});
    if (!seen.answer->confirmed) report(where + "the answer is unconfirmed", {seen.via});
  }
  void on_bytes(const BytesSeen& seen) override {
    if (!seen.audit || seen.bytes != nullptr || is_lost(seen.record)) return;
    report("'" + seen.record.name + "' was found via node " + std::to_string(seen.via) +
               ", but no holder gives its bytes",
           {seen.via});
  }
  void at_rest() override {
    for (const auto& [name, history] : scene_.oracle.names()) {
      for (const std::uint32_t node : scene_.world.running()) {
        const auto record = copies_.record_of(node, name);
        if (!record || copies_.has_bytes(node, *record)) continue;
        if (is_lost(*record)) {
          look_at_lost(node, *record);
          continue;
        }
        report(
            "node " + std::to_string(node) + " has the record of '" + name + "' without its bytes",
            {node});
      }
    }
  }

 private:
  [[nodiscard]] bool is_lost(const ImageRecord& record) const {
    return scene_.world.is_lost(blob_path(record.digest, record.media));
  }
  void look_at_lost(std::uint32_t node, const ImageRecord& record) {
    const std::string what = "'" + record.name + "' is lost, and node " + std::to_string(node);
    const PartitionId partition = scene_.world.partition_of_name(record.name);
    if (!scene_.world.disk_of(node, partition).is_damaged(record.digest)) {
      report(what + " does not know", {node});
    }
    const StatusAnswer status = scene_.world.status(node);
    if (std::ranges::none_of(status.disks, [](const auto& disk) { return disk.damaged > 0; })) {
      report(what + " says that it has no damaged images", {node});
    }
  }

  StoredCopies copies_;
};

}  // namespace

CheckPtr make_i02(const Scene& scene) { return std::make_unique<Readability>(scene); }

}  // namespace pixmesh
