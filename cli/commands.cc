#include "cli/commands.h"

namespace pixmesh {

void add_mesh_commands(CommandLine& line, std::uint64_t machine_memory) {
  add_up(line, machine_memory);
  add_put(line);
  add_get(line);
  add_stat(line);
  add_ls(line);
  add_cp_and_mv(line);
  add_tag(line);
  add_rm(line);
  add_where(line);
  add_run(line);
  add_purge(line);
  add_map(line);
  add_shell(line);
  add_why(line);
  add_recipe(line);
  add_status(line);
  add_top(line);
  add_ring(line);
  add_verify(line);
  add_scrub(line);
  add_repair(line);
  add_node(line);
  add_completion(line);
  add_version(line);
}

}  // namespace pixmesh
