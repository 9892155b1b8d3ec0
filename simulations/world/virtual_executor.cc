#include "simulations/world/virtual_executor.h"

#include <utility>

#include "base/limits.h"

namespace pixmesh {

VirtualExecutor::VirtualExecutor(VirtualClock& clock, const MachineDisks& disks,
                                 std::string scratch_root, Ended ended)
    : clock_(clock),
      disks_(disks),
      scratch_root_(std::move(scratch_root)),
      ended_(std::move(ended)),
      alive_(std::make_shared<bool>(true)) {}

VirtualExecutor::~VirtualExecutor() { *alive_ = false; }

void VirtualExecutor::run(const ToolRun& tool) {
  ++started;
  running_.insert(tool.run);
  const SharedBytes input = disks_.numbered(tool.disk).file(tool.input_path);
  const ToolTrouble with = time > tool.limits.wall ? ToolTrouble::hangs : trouble;
  const Duration takes = with == ToolTrouble::hangs ? tool.limits.wall : time;
  clock_.after(takes, [this, alive = alive_, tool, input, with] {
    if (*alive && running_.erase(tool.run) > 0) finish(tool, input, with);
  });
}

void VirtualExecutor::cancel(RunId run) {
  if (running_.erase(run) == 0) return;
  ++cancelled;
  ToolReport report;
  report.run = run;
  report.end = ToolEnd::cancelled;
  clock_.after(1ms, [this, alive = alive_, report] {
    if (*alive) ended_(report);
  });
}

void VirtualExecutor::discard(RunId run) {
  ++discarded;
  disks_.numbered(0).remove_file(path_of(run));
}

Bytes VirtualExecutor::output_of(const Digest& input, std::uint64_t size) {
  const std::string text = "made of " + to_text(input);
  const ByteView bytes = bytes_of(text);
  Bytes output(bytes.begin(), bytes.end());
  if (size % 2 == 1) output.resize(small_result_bytes + 1);
  return output;
}

std::string VirtualExecutor::path_of(RunId run) {
  return "scratch/run-" + std::to_string(run.raw) + "/out.png";
}

void VirtualExecutor::finish(const ToolRun& tool, const SharedBytes& input, ToolTrouble with) {
  ToolReport report;
  report.run = tool.run;
  report.wall = time;
  report.cpu = time;
  report.memory_bytes = memory_bytes;
  if (!input) {
    report.end = ToolEnd::not_started;
    return ended_(report);
  }
  switch (with) {
    case ToolTrouble::none:
    case ToolTrouble::varies: {
      Bytes output = output_of(digest_of(*input), input->size());
      if (with == ToolTrouble::varies) output.front() = static_cast<std::uint8_t>(tool.run.raw);
      report.output_size = output.size();
      report.output_path = scratch_root_ + path_of(tool.run).substr(std::string("scratch").size());
      disks_.numbered(0).write_file(path_of(tool.run), std::move(output));
      break;
    }
    case ToolTrouble::fails:
      report.end = ToolEnd::exit_status;
      report.exit_status = 1;
      report.error_text = "the tool is in a bad mood";
      break;
    case ToolTrouble::dies:
      report.end = ToolEnd::killed;
      report.exit_status = 11;
      break;
    case ToolTrouble::floods:
      report.end = ToolEnd::output_limit;
      break;
    case ToolTrouble::hangs:
      report.end = ToolEnd::wall_limit;
      report.wall = tool.limits.wall;
      break;
  }
  ended_(report);
}

}  // namespace pixmesh
