#include <algorithm>
#include <cstdio>
#include <filesystem>
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
  bool all = false;
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

// Every scenario of a folder, one line each. @returns 1 if any is broken.
int replay_all(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".scenario") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    std::fprintf(stderr, "pixmesh-sim: %s has no .scenario files\n", folder.c_str());
    return 2;
  }
  int code = 0;
  for (const std::string& name : files) {
    ReplayFlags one;
    one.file = name;
    std::printf("%s\n", name.c_str());
    code = std::max(code, replay(one));
  }
  return code;
}

}  // namespace

void add_replay(Command root, int& code) {
  auto flags = std::make_shared<ReplayFlags>();
  const Command command = root.add_command("replay", "Runs a scenario that was written down");
  command.add_option("file", flags->file, "As printed by run --print or --shrink").required();
  command.add_flag("--all", flags->all, "The file is a folder: runs every .scenario in it");
  command.add_flag("--json", flags->play.json, "Prints one JSON object");
  command.add_flag("--shrink", flags->play.shrink,
                   "Makes it smaller while it fails, and prints it");
  command.add_flag("--trace", flags->play.trace, "Tells every event on stderr");
  command.on_chosen(
      [flags, &code] { code = flags->all ? replay_all(flags->file) : replay(*flags); });
}

}  // namespace pixmesh
