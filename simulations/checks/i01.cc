// I1: an acknowledged image is present, durable and hash-correct on at least one disk that was not
// destroyed; when it is acknowledged, on W of them.
#include <algorithm>

#include "simulations/checks/stored_copies.h"

namespace pixmesh {
namespace {

class Durability : public Check {
 public:
  explicit Durability(const Scene& scene) : Check(scene, "I1"), copies_(scene) {}

  void on_write(const WriteSeen& seen) override {
    const auto holders = copies_.holders_of(seen.write.name, seen.done.version);
    // A disk that was destroyed while the acknowledgement was on its way may have had one of them.
    // A mesh that has just begun to grow does not place anything on the newcomer yet, and says so.
    const std::size_t quorum =
        std::min<std::size_t>({scene_.scenario.write_quorum, members(), seen.done.copies_wanted});
    const std::size_t gone = std::min(scene_.atlas.destroyed_count(), quorum);
    const std::size_t needed = std::max<std::size_t>(quorum - gone, 1);
    if (holders.size() >= needed || copies_.is_lost(seen.write.name, seen.done.version)) return;
    report("'" + seen.write.name + "' was acknowledged by node " + std::to_string(seen.via) +
               " with " + std::to_string(holders.size()) + " durable copies, not " +
               std::to_string(needed),
           {seen.via});
  }
  void on_record_changing(std::uint32_t, const VirtualDisk::Key&, const std::string& name,
                          bool) override {
    touched_.insert(name);
  }
  void on_step(std::uint32_t node) override {
    for (const std::string& name : touched_) look_at(name, node);
    touched_.clear();
  }
  void on_crashed(std::uint32_t node) override {
    for (const auto& [name, history] : scene_.oracle.names()) look_at(name, node);
  }
  void on_scan() override { on_crashed(0); }
  void at_rest() override { on_crashed(0); }

 private:
  [[nodiscard]] std::size_t members() const {
    std::size_t count = 0;
    for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
      count += scene_.world.is_member(node) ? 1 : 0;
    }
    return count;
  }
  void look_at(const std::string& name, std::uint32_t node) {
    const NameHistory* history = scene_.oracle.history_of(name);
    if (history == nullptr) return;
    const Write* write = history->newest_acknowledged();
    if (write == nullptr || copies_.is_anywhere(name, write->version)) return;
    if (copies_.is_lost(name, write->version)) return;  // I2 looks at what is said of it
    report("'" + name + "', acknowledged as write " + std::to_string(write->number) +
               ", is on no disk any more",
           {node});
  }

  StoredCopies copies_;
  std::set<std::string> touched_;
};

}  // namespace

CheckPtr make_i01(const Scene& scene) { return std::make_unique<Durability>(scene); }

}  // namespace pixmesh
