#include <algorithm>
#include <utility>

#include "node/runs.h"

// Runs of several steps.
namespace pixmesh {

RunId Runs::run_of(RunId step) const {
  const auto turn =
      std::ranges::find_if(turns_, [step](const auto& entry) { return entry.second.step == step; });
  return turn == turns_.end() ? step : turn->first;
}

RunId Runs::step_of(RunId run) const {
  const auto turn = turns_.find(run);
  return turn == turns_.end() ? run : turn->second.step;
}

bool Runs::go_on(Instant now, RunId id, const ToolReport& ended) {
  const auto place = runs_.find(id);
  if (place == runs_.end() || !place->second.chain.goes_on(ended)) return false;
  Run& run = place->second;
  const std::string input = relative_output(ended);
  if (input.empty()) return false;
  end_turn(id);
  run.tool = run.chain.go_on(ended, RunId{++last_run_}, input, run.tool.output_extension);
  cut_by_deadline(now, run);
  turns_[id] = {run.tool.run, ended.run};
  outside_.executor.run(run.tool);
  return true;
}

// What a step read is not wanted any more once it has ended.
void Runs::end_turn(RunId id) {
  const auto turn = turns_.extract(id);
  if (turn) outside_.executor.discard(turn.mapped().before);
}

std::string Runs::relative_output(const ToolReport& report) const {
  const std::string& path = report.output_path;
  if (path.rfind(scratch_root_, 0) != 0) return {};
  std::string relative = path.substr(scratch_root_.size());
  while (!relative.empty() && relative.front() == '/') relative.erase(0, 1);
  return "scratch/" + relative;
}

}  // namespace pixmesh
