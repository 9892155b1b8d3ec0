#include <cstdio>
#include <memory>

#include "simulations/commands.h"
#include "simulations/draw_flags.h"
#include "simulations/scenario_output.h"

namespace pixmesh {
namespace {

struct RunFlags {
  std::uint64_t seed = 1;
  bool print_scenario = false;
  PlayFlags play;
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
  const std::string repeat =
      "pixmesh-sim run --seed " + std::to_string(flags.seed) + flags.draw.text();
  return play_scenario(scenario, repeat, flags.play);
}

}  // namespace

void add_run(Command root, int& code) {
  auto flags = std::make_shared<RunFlags>();
  const Command command = root.add_command("run", "Runs one seed");
  command.add_option("--seed", flags->seed, "Draws the scenario and drives all chance in it");
  command.add_flag("--json", flags->play.json, "Prints one JSON object");
  command.add_flag("--print", flags->print_scenario, "Prints the scenario and does not run it");
  command.add_flag("--shrink", flags->play.shrink,
                   "Makes the scenario smaller while it fails, and prints it");
  flags->draw.add_to(command, "--minutes");
  command.add_flag("--trace", flags->play.trace, "Tells every event on stderr");
  command.on_chosen([flags, &code] { code = run(*flags); });
}

}  // namespace pixmesh
