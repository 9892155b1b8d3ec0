#include <cstdio>
#include <memory>

#include "simulations/commands.h"
#include "simulations/draw_flags.h"
#include "simulations/trial_report.h"

namespace pixmesh {
namespace {

struct RunFlags {
  std::uint64_t seed = 1;
  bool json = false;
  bool print_scenario = false;
  DrawFlags draw;
};

int run(const RunFlags& flags) {
  const auto wishes = flags.draw.wishes();
  if (!wishes) {
    std::fprintf(stderr, "pixmesh-sim: %s\n", wishes.error().detail.c_str());
    return 2;
  }
  const Scenario scenario = draw_scenario(flags.seed, wishes.value());
  if (flags.print_scenario) {
    std::fputs(text_of(scenario).c_str(), stdout);
    return 0;
  }
  const TrialResult result = run_trial(scenario);
  const std::string repeat =
      "pixmesh-sim run --seed " + std::to_string(flags.seed) + flags.draw.text();
  const auto text =
      flags.json ? json_of(scenario, result, repeat) : report_of(scenario, result, repeat);
  std::fputs(text.c_str(), stdout);
  return result.finding ? 1 : 0;
}

}  // namespace

void add_run(CLI::App& root, int& code) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App& command = *root.add_subcommand("run", "Runs one seed");
  command.add_option("--seed", flags->seed, "Draws the scenario and drives all chance in it");
  command.add_flag("--json", flags->json, "Prints one JSON object");
  command.add_flag("--print", flags->print_scenario, "Prints the scenario and does not run it");
  flags->draw.add_to(command);
  command.callback([flags, &code] { code = run(*flags); });
}

}  // namespace pixmesh
