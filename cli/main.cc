#include <malloc.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/commands.h"
#include "host/system/machine_memory.h"
#include "host/system/signals.h"

int main(int argc, char** argv) {
  using namespace pixmesh;
  // Chunks come and go all the time; each as a mapping of its own would cost its page faults anew.
  (void)mallopt(M_MMAP_THRESHOLD, 4 << 20);
  (void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
  // Before any thread is started: signals come through descriptors only, and a reader of stdout
  // that goes away is a failed write.
  block_signals();
  OutputOptions options;
  options.colour = colour_allowed(::isatty(1) == 1, std::getenv("NO_COLOR"), std::getenv("TERM"));
  options.animation =
      colour_allowed(::isatty(2) == 1, std::getenv("NO_COLOR"), std::getenv("TERM"));
  CommandLine line;
  add_mesh_commands(line, machine_memory());
  add_node_process(line);
  add_config(line);
  add_recipe_check(line);
  add_doctor(line);
  return run_command_line(line, std::vector<std::string>(argv + 1, argv + argc), options,
                          std::getenv("PIXMESH_NODE"));
}
