#pragma once

#include <string>
#include <vector>

#include "host/config/config_file.h"

namespace pixmesh {

struct NodeProcessOptions {
  NodeSettings settings;
  bool create = false;                    // found a mesh if this node knows none
  bool hold = false;                      // join, and wait for `ring apply`
  std::vector<std::string> join;          // host:port of members to ask for a mesh
  std::vector<std::string> forget_disks;  // folders of disks that were added and are gone for good
  std::string log_file;                   // empty: stderr
};

/// Runs one node in the foreground until SIGINT or SIGTERM, or until it has left the mesh.
/// Prints its address on stdout when it serves. @returns the exit code; errors are on stderr.
[[nodiscard]] int run_node(const NodeProcessOptions& options);

}  // namespace pixmesh
