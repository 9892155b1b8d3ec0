#pragma once

#include <cstdint>

#include "cli/command_line.h"

// One command, one file. Each function hangs its commands into the tree.
namespace pixmesh {

// Images.
void add_put(CommandLine& line);
void add_get(CommandLine& line);
void add_stat(CommandLine& line);
void add_ls(CommandLine& line);
void add_cp_and_mv(CommandLine& line);
void add_tag(CommandLine& line);
void add_rm(CommandLine& line);
void add_where(CommandLine& line);

// Processing.
void add_run(CommandLine& line);
void add_purge(CommandLine& line);
void add_map(CommandLine& line);
void add_shell(CommandLine& line);
void add_why(CommandLine& line);
void add_recipe(CommandLine& line);
void add_recipe_cost(CommandLine& line, const Command& family);  // called by add_recipe

// The mesh.
void add_up(CommandLine& line, std::uint64_t machine_memory);
void add_status(CommandLine& line);
void add_top(CommandLine& line);
void add_ring(CommandLine& line);
void add_ring_plan(CommandLine& line, const Command& ring);   // called by add_ring,
void add_ring_apply(CommandLine& line, const Command& ring);  // so is this
void add_repair(CommandLine& line);
void add_verify(CommandLine& line);
void add_scrub(CommandLine& line);
void add_node(CommandLine& line);
void add_node_forget(CommandLine& line, const Command& family);  // called by add_node,
void add_node_disk(CommandLine& line, const Command& node);      // so is this

// This machine.
void add_completion(CommandLine& line);
void add_version(CommandLine& line);

/// All of the above, in the order of the help.
/// @param machine_memory  bytes that nodes of this machine may share; 0: not known
void add_mesh_commands(CommandLine& line, std::uint64_t machine_memory);

// Commands that also need what a node is made of; only the program has them, not the library.
void add_node_process(CommandLine& line);  // node run, node rebuild-index
void add_config(CommandLine& line);
void add_recipe_check(CommandLine& line);
void add_doctor(CommandLine& line);

inline constexpr const char* image_group = "Images";
inline constexpr const char* processing_group = "Processing";
inline constexpr const char* mesh_group = "The mesh";
inline constexpr const char* machine_group = "This machine";

}  // namespace pixmesh
