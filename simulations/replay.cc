#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "simulations/commands.h"
#include "simulations/scenario_output.h"
#include "simulations/trial_report.h"

namespace pixmesh {
namespace {

struct ReplayFlags {
  std::string file;
  PlayFlags play;
};

int replay(const ReplayFlags& flags) {
  std::ifstream file(flags.file);
  std::ostringstream text;
  text << file.rdbuf();
  const auto scenario = parse_scenario(text.str());
  if (!file || !scenario) {
    std::fprintf(stderr, "pixmesh-sim: %s: %s\n", flags.file.c_str(),
                 !file ? "cannot be read" : scenario.error().detail.c_str());
    return 2;
  }
  return play_scenario(scenario.value(), "pixmesh-sim replay " + flags.file, flags.play);
}

}  // namespace

void add_replay(CLI::App& root, int& code) {
  auto flags = std::make_shared<ReplayFlags>();
  CLI::App& command = *root.add_subcommand("replay", "Runs a scenario that was written down");
  command.add_option("file", flags->file, "As printed by run --print or --shrink")->required();
  command.add_flag("--json", flags->play.json, "Prints one JSON object");
  command.add_flag("--shrink", flags->play.shrink,
                   "Makes it smaller while it fails, and prints it");
  command.add_flag("--trace", flags->play.trace, "Tells every event on stderr");
  command.callback([flags, &code] { code = replay(*flags); });
}

}  // namespace pixmesh
