#include "simulations/scenario_output.h"

#include <cstdio>

#include "simulations/trial/forked_trial.h"
#include "simulations/trial/shrink.h"
#include "simulations/trial_report.h"

namespace pixmesh {
namespace {

constexpr std::uint32_t tries_max = 2'000;

void print_shrunk(const Scenario& scenario, const Finding& finding) {
  const Scenario small = shrink(scenario, finding.promise, tries_max, [](const Scenario& now) {
    std::fprintf(stderr, "\r%zu events, %zu nodes ", now.events.size(), now.nodes.size());
  });
  std::fputc('\n', stderr);
  const TrialResult result = run_forked(small);
  const std::string what = result.finding ? result.finding->what : finding.what;
  std::printf("# %s: %s\n%s", finding.promise.c_str(), what.c_str(), text_of(small).c_str());
}

}  // namespace

int play_scenario(const Scenario& scenario, const std::string& repeat, const PlayFlags& flags) {
  const auto tell = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  const TrialResult result = flags.trace ? run_trial(scenario, tell) : run_forked(scenario);
  const auto text =
      flags.json ? json_of(scenario, result, repeat) : report_of(scenario, result, repeat);
  std::fputs(text.c_str(), stdout);
  if (!result.finding) return 0;
  if (flags.shrink) print_shrunk(scenario, *result.finding);
  return 1;
}

}  // namespace pixmesh
