#pragma once

#include "simulations/checks/check.h"
#include "simulations/world/world_watch.h"

namespace pixmesh {

/// All promises, watched at once. Passes on what the world and the clients say.
class AllChecks : public WorldWatch, public Observer {
 public:
  explicit AllChecks(const Scene& scene);

  void at_rest();

  void on_step(std::uint32_t node) override;
  void on_record_changing(std::uint32_t node, const VirtualDisk::Key& key, const std::string& name,
                          bool dropping) override;
  void on_crashed(std::uint32_t node) override;
  void on_sent(PartyId from, PartyId to, Plane plane, ByteView message) override;
  void on_write(const WriteSeen& seen) override;
  void on_lookup(const LookupSeen& seen) override;
  void on_bytes(const BytesSeen& seen) override;
  void on_list(const ListSeen& seen) override;
  void on_run(const RunSeen& seen) override;

 private:
  std::vector<CheckPtr> checks_;
  std::uint64_t steps_ = 0;
};

}  // namespace pixmesh
