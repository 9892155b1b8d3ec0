#pragma once

#include <set>

#include "base/executor.h"
#include "simulations/world/machine_disks.h"

namespace pixmesh {

/// How tools behave. Without trouble they end after `time` with an output made of their input.
enum class ToolTrouble : std::uint8_t {
  none,
  fails,   // exit status 1 and an error text
  dies,    // by a signal that nobody sent
  floods,  // stopped at its output limit
  hangs,   // until it is cancelled or over its time
  varies,  // none, but each run makes other bytes
};

/// "Runs" tools: after a while the output is there, a function of the input's bytes.
class VirtualExecutor : public Executor {
 public:
  using Ended = std::function<void(ToolReport)>;
  /// Scratch is on the first of the disks.
  VirtualExecutor(VirtualClock& clock, const MachineDisks& disks, std::string scratch_root,
                  Ended ended);
  ~VirtualExecutor() override;
  VirtualExecutor(const VirtualExecutor&) = delete;
  VirtualExecutor& operator=(const VirtualExecutor&) = delete;

  void run(const ToolRun& tool) override;
  void cancel(RunId run) override;
  void discard(RunId run) override;

  /// Of an input with an odd size it is no small result.
  /// @param size  of the input
  [[nodiscard]] static Bytes output_of(const Digest& input, std::uint64_t size);
  [[nodiscard]] std::uint32_t running_count() const {
    return static_cast<std::uint32_t>(running_.size());
  }

  Duration time = 50ms;
  std::uint64_t memory_bytes = 64 << 20;
  ToolTrouble trouble = ToolTrouble::none;
  std::uint32_t started = 0;
  std::uint32_t cancelled = 0;
  std::uint32_t discarded = 0;

 private:
  [[nodiscard]] static std::string path_of(RunId run);
  void finish(const ToolRun& tool, const SharedBytes& input, ToolTrouble with);

  VirtualClock& clock_;
  const MachineDisks& disks_;
  std::string scratch_root_;
  Ended ended_;
  std::shared_ptr<bool> alive_;
  std::set<RunId> running_;
};

}  // namespace pixmesh
