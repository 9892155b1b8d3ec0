#pragma once

#include <string>

#include "flags/command.h"
#include "simulations/trial/draw_scenario.h"

namespace pixmesh {

[[nodiscard]] Duration of_minutes(double minutes);

/// The flags by which a person shapes drawn scenarios: --nodes, --faults, and simulated minutes.
class DrawFlags {
 public:
  /// @param minutes_flag  how the simulated time with faults is called here.
  void add_to(Command command, const std::string& minutes_flag);
  /// Errors: usage, for an unknown class of faults.
  [[nodiscard]] Result<DrawWishes> wishes() const;
  /// The same flags as words of `run`: " --nodes 5", or empty.
  [[nodiscard]] std::string text() const;

 private:
  std::uint32_t nodes_ = 0;
  double minutes_ = 0;
  std::string faults_;
};

}  // namespace pixmesh
