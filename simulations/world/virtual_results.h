#pragma once

#include <functional>
#include <map>
#include <memory>

#include "base/events.h"
#include "simulations/world/virtual_clock.h"
#include "simulations/world/virtual_disk.h"

namespace pixmesh {

/// What lies beside the bytes of kept results; outlives the process, as the disk does.
using KeptFacts = std::map<Digest, ResultKept>;

/// Keeps results on a virtual disk: nothing is synced, so a crash may leave facts without bytes.
class VirtualResults : public ResultStore {
 public:
  using Told = std::function<void(const HostEvent&)>;
  /// @param look_through  how long it takes to find what is there.
  VirtualResults(VirtualClock& clock, VirtualDisk& disk, KeptFacts& facts, Duration look_through,
                 Told told);
  ~VirtualResults() override;
  VirtualResults(const VirtualResults&) = delete;
  VirtualResults& operator=(const VirtualResults&) = delete;

  void keep(ResultToKeep result) override;
  void keep_facts(FactsToKeep facts) override;
  void drop(const Digest& key, const std::string& extension) override;

  Duration time = 2ms;  // that it takes to do what is asked

 private:
  void in_order(std::function<void()> order);
  void write(const ResultToKeep& result);

  VirtualClock& clock_;
  VirtualDisk& disk_;
  KeptFacts& facts_;
  Told told_;
  std::shared_ptr<bool> alive_;
  Instant free_at_{};
};

}  // namespace pixmesh
