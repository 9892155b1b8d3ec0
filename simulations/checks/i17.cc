// I17: what a node says about itself (images, bytes, missing copies) is what is on its disk.
#include "simulations/checks/check.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

class Accounting : public Check {
 public:
  explicit Accounting(const Scene& scene) : Check(scene, "I17") {}

  void at_rest() override {
    for (const std::uint32_t node : scene_.world.running()) {
      const StatusAnswer status = scene_.world.status(node);
      std::uint64_t images = 0;
      std::uint64_t bytes = 0;
      for (const auto& [key, stored] : scene_.world.disk(node).records()) {
        const ImageRecord record = decode_record(stored.bytes).value();
        if (record.tombstone) continue;
        ++images;
        bytes += record.size;
      }
      const std::string who = "node " + std::to_string(node) + " says ";
      if (status.images != images) {
        report(who + std::to_string(status.images) + " images and has " + std::to_string(images),
               {node});
      }
      if (status.bytes != bytes) report(who + "another number of bytes than it has", {node});
      if (status.unsettled != 0) report(who + "partitions are in motion at rest", {node});
      if (status.under_replicated != 0) {
        report(who + std::to_string(status.under_replicated) + " images lack copies at rest",
               {node});
      }
    }
  }
};

}  // namespace

CheckPtr make_i17(const Scene& scene) { return std::make_unique<Accounting>(scene); }

}  // namespace pixmesh
