#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/files.h"

// The folders and processes of `pixmesh up`.
namespace pixmesh {

/// The folder of a local mesh: node-1, node-2, … and node-1.log, …
///
/// The file `.pixmesh-up` in it lists the node folders that `up` itself made, one a line. Only
/// those are ever removed. While an `up` runs it holds a lock on that file.
class LocalFolder {
 public:
  /// Makes the folder and takes the lock.
  /// Errors: failed; overloaded — another 'pixmesh up' uses it.
  [[nodiscard]] static Result<LocalFolder> open(const std::filesystem::path& root);

  /// Removes the node folders that an earlier `up` made, and their logs. @returns how many.
  [[nodiscard]] Result<std::size_t> clean();
  /// Makes node folders 1 … `count` as far as they are missing, and notes them down.
  [[nodiscard]] Result<Done> make_nodes(std::uint32_t count);

  [[nodiscard]] std::filesystem::path node_folder(std::uint32_t number) const;
  [[nodiscard]] std::filesystem::path log_file(std::uint32_t number) const;
  /// Whether a node has run there before.
  [[nodiscard]] bool has_state(std::uint32_t number) const;

 private:
  LocalFolder(std::filesystem::path root, OwnedFd marker)
      : root_(std::move(root)), marker_(std::move(marker)) {}
  [[nodiscard]] std::vector<std::string> own_folders() const;
  [[nodiscard]] Result<Done> note(const std::string& text, bool append);

  std::filesystem::path root_;
  OwnedFd marker_;
};

/// How node `number` (from 1) of a local mesh is started.
struct LocalNode {
  std::uint32_t number = 1;
  std::string address;  // control
  std::string bulk;
  std::vector<std::string> arguments;  // after `pixmesh`
};

/// What the nodes of a local mesh share.
struct LocalMachine {
  std::uint32_t cores = 1;
  std::uint64_t memory_bytes = 0;  // 0: not known
};

struct LocalMeshOptions {
  std::uint32_t nodes = 3;
  std::uint32_t port = 7600;  // of the first node; the next ones follow, bulk is 1000 above
  std::uint32_t workers = 0;  // a node; 0: the cores shared out
  std::uint64_t memory = 0;   // bytes for the tools of a node; 0: half of the machine's shared out
  std::string sandbox;        // of every node; empty: as its other settings say
};

/// Who founds and who joins: the first node founds a mesh only if no folder has one; every node
/// without a state joins the others.
/// @param has_state  of each node, first one first; `options.nodes` of them.
[[nodiscard]] std::vector<LocalNode> plan_local_mesh(const LocalMeshOptions& options,
                                                     const LocalFolder& folder,
                                                     const std::vector<bool>& has_state,
                                                     const LocalMachine& machine);

/// A node as a child process; its output goes to a log file. It is asked to stop when we die.
class NodeChild {
 public:
  /// Errors: failed.
  [[nodiscard]] static Result<NodeChild> start(const LocalNode& node,
                                               const std::filesystem::path& log);

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// "exit status 1", "signal 9"; none while it runs.
  [[nodiscard]] const std::optional<std::string>& end() const { return end_; }
  /// Looks whether it has ended since. @returns true once, when it has.
  bool poll();
  void signal(int number) const;

 private:
  explicit NodeChild(pid_t pid) : pid_(pid) {}

  pid_t pid_;
  std::optional<std::string> end_;
};

/// Asks all to stop, and kills what still runs after `patience`.
void stop_all(std::vector<NodeChild>& children, Duration patience = 10s);

/// The last `count` lines of a file; empty if it cannot be read.
[[nodiscard]] std::string last_lines(const std::filesystem::path& file, std::size_t count);

/// Whether somebody may listen on this port of 127.0.0.1 now.
[[nodiscard]] bool port_is_free(std::uint32_t port);

}  // namespace pixmesh
