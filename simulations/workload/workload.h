#pragma once

#include <memory>
#include <vector>

#include "simulations/oracle/observation.h"
#include "simulations/oracle/oracle.h"
#include "simulations/scenario/scenario.h"
#include "simulations/workload/sim_client.h"

namespace pixmesh {

/// The clients of a run, and what they are about.
class Workload {
 public:
  Workload(MeshWorld& world, Oracle& oracle, Observer& observer, std::uint32_t clients, Rng rng);

  void begin(const Event& operation);
  /// Reads the event's name, or lists it, through the very node it names.
  void audit(const Event& read);
  /// Asks every running node for its status, and waits for no answer: the checks see it.
  void ask_for_status();
  /// Conversations under way, audits too.
  [[nodiscard]] std::uint64_t open_count() const { return *open_count_; }

 private:
  void send_garbage(SimClient& client, const Event& event);
  void send_lie(const Event& event);

  MeshWorld& world_;
  Oracle& oracle_;
  Observer& observer_;
  Rng rng_;
  std::shared_ptr<std::uint64_t> open_count_ = std::make_shared<std::uint64_t>(0);
  std::vector<std::unique_ptr<SimClient>> clients_;  // the last one audits
};

}  // namespace pixmesh
