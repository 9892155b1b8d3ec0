#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "child_process.h"

namespace pixmesh {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

/// A folder of its own below the system's temporary one; goes with the object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A port of 127.0.0.1 that nobody listens on; never the same twice in one process.
[[nodiscard]] int free_port();

/// How many folders of runs lie in this node's storage.
[[nodiscard]] std::size_t run_folders_in(const std::filesystem::path& storage);

/// Whether nodes here can put a sandbox around tools. Where they cannot, that is said once, and
/// every mesh runs with --sandbox=off.
[[nodiscard]] bool sandbox_works();

/// The command's answer. @param folder  where it runs. The limit is a hang, not an expectation.
[[nodiscard]] ProcessAnswer run_pixmesh(Words words, const std::filesystem::path& folder,
                                        Duration limit = 60s);

/// What every line of `--json` says.
[[nodiscard]] std::vector<Json> json_lines(const std::string& text);

/// Where and how one node runs, if not like all others.
struct NodePlace {
  std::string host = "127.0.0.1";
  Words before;     // in front of the program: what starts it
  Words words;      // more flags
  Words variables;  // NAME=VALUE of its environment
};

/// For nodes whose recipes do what a sandbox exists to prevent.
[[nodiscard]] NodePlace without_sandbox();

struct MeshOptions {
  std::size_t nodes = 3;
  std::filesystem::path root;  // where the nodes' folders lie; empty: in the mesh's own folder
  Words node_words;            // more flags for every node
  std::function<NodePlace(std::size_t node)> place;  // none: all of them here
};

/// Nodes as processes of their own, numbered from 0, each with its folders and fixed ports. When a
/// test fails, the end of every node's log is printed.
class TestMesh {
 public:
  TestMesh() : TestMesh(MeshOptions{}) {}
  explicit TestMesh(MeshOptions options);
  ~TestMesh();
  TestMesh(const TestMesh&) = delete;
  TestMesh& operator=(const TestMesh&) = delete;

  /// One more that joins; it is not waited for. @returns its number.
  std::size_t add_node(const Words& more = {});
  void kill_node(std::size_t node);                              // SIGKILL, and gone on return
  [[nodiscard]] std::optional<int> stop_node(std::size_t node);  // SIGTERM; its exit code
  void restart_node(std::size_t node);                           // neither --create nor --join
  void signal_node(std::size_t node, int signal) { nodes_.at(node).process->signal(signal); }
  /// Until every node that runs has a mesh and nothing is left to do. Fails the test otherwise.
  void wait_calm(Duration limit = 60s);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] bool running(std::size_t node) { return nodes_.at(node).process->running(); }
  [[nodiscard]] pid_t pid(std::size_t node) const { return nodes_.at(node).process->pid(); }
  [[nodiscard]] std::optional<int> wait_end(std::size_t node, Duration limit) {
    return nodes_.at(node).process->wait(limit);
  }
  [[nodiscard]] std::string address(std::size_t node) const;
  [[nodiscard]] std::filesystem::path storage_of(std::size_t node) const;
  [[nodiscard]] std::string log_of(std::size_t node) const;
  /// The number of the node at this address.
  [[nodiscard]] std::size_t node_at(const std::string& address) const;
  /// Files that are being written, over all nodes that have folders.
  [[nodiscard]] std::size_t temp_files() const;
  /// For the test's own files.
  [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }

  /// The words with this node's address; of the first that runs, if none is named.
  [[nodiscard]] Words words_at(std::size_t node, Words words) const;
  [[nodiscard]] ProcessAnswer cli_at(std::size_t node, Words words, Duration limit = 60s) const;
  [[nodiscard]] ProcessAnswer cli(Words words, Duration limit = 60s);
  /// The one object that `--json` answers. Fails the test unless the command succeeds.
  [[nodiscard]] Json json_at(std::size_t node, Words words) const;
  [[nodiscard]] Json json(Words words);
  /// Fails the test unless it succeeds. @returns what it printed.
  std::string must(Words words);

  /// Whether the image comes back as the file is, from this node.
  [[nodiscard]] bool comes_back(std::size_t node, const std::string& name,
                                const std::filesystem::path& file) const;

  void print_logs() const;

 private:
  struct Node {
    NodePlace place;
    int port = 0;
    int bulk_port = 0;
    std::filesystem::path root;
    std::unique_ptr<ChildProcess> process;
  };

  void start(std::size_t node, const Words& more);
  [[nodiscard]] std::size_t first_running();

  MeshOptions options_;
  TempFolder folder_;
  std::vector<Node> nodes_;
};

/// A mesh of three that several tests use because they leave it as it is.
[[nodiscard]] TestMesh& quiet_mesh();

[[nodiscard]] bool same_bytes(const std::filesystem::path& a, const std::filesystem::path& b);

/// Every word is in the text; the missing one is told.
void check_says(const ProcessAnswer& answer, int exit, const std::vector<std::string>& words);

}  // namespace pixmesh
