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
      if (status.under_replicated == 0) continue;
      // A hint may still be on its way to a holder that has caught up otherwise.
      const auto none_short = [&] { return scene_.world.status(node).under_replicated == 0; };
      const Instant late = scene_.world.now() + hints_end_within;
      while (scene_.world.now() < late && !none_short()) scene_.world.run_for(1s);
      if (none_short()) continue;
      report(who + std::to_string(status.under_replicated) + " images lack copies, and none does",
             {node});
    }
  }
};

}  // namespace

CheckPtr make_i17(const Scene& scene) { return std::make_unique<Accounting>(scene); }

}  // namespace pixmesh
