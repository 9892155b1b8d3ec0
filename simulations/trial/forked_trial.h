#pragma once

#include "simulations/trial/trial.h"

namespace pixmesh {

/// A run in a process of its own, so that an invariant that stops the process is a finding like any
/// other (promise "invariant").
class ForkedTrial {
 public:
  /// Starts at once. The scenario must live until `wait` has returned.
  explicit ForkedTrial(const Scenario& scenario);
  ForkedTrial(const ForkedTrial&) = delete;
  ForkedTrial& operator=(const ForkedTrial&) = delete;
  ~ForkedTrial();

  /// For poll(): readable when the run has something to say or is over.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// Takes what is there. @returns true when the run is over and `result` may be asked for.
  [[nodiscard]] bool read_some();
  [[nodiscard]] TrialResult result();
  /// CPU time of the process, once it is over.
  [[nodiscard]] Duration cpu() const { return cpu_; }

 private:
  void reap();

  int process_ = -1;
  int descriptor_ = -1;
  std::string text_;  // what it wrote: one JSON object, and what it said on stderr before
  Duration cpu_{};
};

/// Starts one and waits for it.
[[nodiscard]] TrialResult run_forked(const Scenario& scenario);

}  // namespace pixmesh
