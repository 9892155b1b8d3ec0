#pragma once

#include <set>

#include "base/executor.h"
#include "simulations/world/virtual_disk.h"

namespace pixmesh {

/// "Runs" tools: after a while the output is there, a function of the input's bytes.
class VirtualExecutor : public Executor {
 public:
  using Ended = std::function<void(ToolReport)>;
  VirtualExecutor(VirtualClock& clock, VirtualDisk& disk, std::string scratch_root, Ended ended)
      : clock_(clock),
        disk_(disk),
        scratch_root_(std::move(scratch_root)),
        ended_(std::move(ended)),
        alive_(std::make_shared<bool>(true)) {}
  ~VirtualExecutor() override { *alive_ = false; }
  VirtualExecutor(const VirtualExecutor&) = delete;
  VirtualExecutor& operator=(const VirtualExecutor&) = delete;

  void run(const ToolRun& tool) override {
    running_.insert(tool.run);
    const SharedBytes input = disk_.file(tool.input_path);
    clock_.after(time, [this, alive = alive_, tool, input] {
      if (*alive && running_.erase(tool.run) > 0) finish(tool, input);
    });
  }
  void cancel(RunId run) override {
    if (running_.erase(run) == 0) return;
    ++cancelled;
    ToolReport report;
    report.run = run;
    report.end = ToolEnd::cancelled;
    clock_.after(1ms, [this, alive = alive_, report] {
      if (*alive) ended_(report);
    });
  }
  void discard(RunId run) override {
    ++discarded;
    disk_.remove_file(path_of(run));
  }

  [[nodiscard]] static Bytes output_of(const Bytes& input) {
    const std::string text = "made of " + to_text(digest_of(input));
    const ByteView bytes = bytes_of(text);
    return {bytes.begin(), bytes.end()};
  }
  [[nodiscard]] std::uint32_t running_count() const {
    return static_cast<std::uint32_t>(running_.size());
  }

  Duration time = 50ms;
  std::uint32_t cancelled = 0;
  std::uint32_t discarded = 0;

 private:
  [[nodiscard]] static std::string path_of(RunId run) {
    return "scratch/run-" + std::to_string(run.raw) + "/out.png";
  }
  void finish(const ToolRun& tool, const SharedBytes& input) {
    ToolReport report;
    report.run = tool.run;
    report.wall = time;
    if (!input) {
      report.end = ToolEnd::not_started;
      return ended_(report);
    }
    Bytes output = output_of(*input);
    report.output_size = output.size();
    report.output_path = scratch_root_ + path_of(tool.run).substr(std::string("scratch").size());
    disk_.write_file(path_of(tool.run), std::move(output));
    ended_(report);
  }

  VirtualClock& clock_;
  VirtualDisk& disk_;
  std::string scratch_root_;
  Ended ended_;
  std::shared_ptr<bool> alive_;
  std::set<RunId> running_;
};

}  // namespace pixmesh
