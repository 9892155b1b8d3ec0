#include "cli/commands.h"
#include "cli/errors.h"

#ifndef PIXMESH_VERSION
#define PIXMESH_VERSION "unknown"
#endif

namespace pixmesh {

void add_version(CommandLine& line) {
  line.add(machine_group, "version", "Print the version", [](CommandContext& context) {
    context.output().print("pixmesh " PIXMESH_VERSION "\n");
    context.output().object(Json{{"version", PIXMESH_VERSION}});
    return exit_ok;
  });
}

}  // namespace pixmesh
