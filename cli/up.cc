#include <algorithm>
#include <thread>

#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/local_mesh.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

struct UpFlags {
  LocalMeshOptions mesh;
  std::string memory;
  std::string folder = "pixmesh-data";
  bool clean = false;
};

/// A mesh of child processes, from the first check to the last one's end.
class LocalMesh {
 public:
  LocalMesh(CommandContext& context, const UpFlags& flags, std::uint64_t memory)
      : context_(context), flags_(flags), machine_memory_(memory) {}
  ~LocalMesh() { stop_all(children_); }
  LocalMesh(const LocalMesh&) = delete;
  LocalMesh& operator=(const LocalMesh&) = delete;

  int run() {
    Result<LocalFolder> folder = LocalFolder::open(flags_.folder);
    if (!folder) return context_.fail(folder.error());
    folder_ = std::move(folder).value();
    if (Result<Done> done = prepare(); !done) return context_.fail(done.error());
    if (Result<Done> done = start(); !done) return context_.fail(done.error());
    if (Result<Done> done = wait_for_members(); !done) return context_.fail(done.error());
    welcome();
    return watch();
  }

 private:
  Result<Done> prepare() {
    if (flags_.clean) {
      const Result<std::size_t> removed = folder_->clean();
      if (!removed) return removed.error();
      if (removed.value() > 0) {
        context_.output().say("removed " + std::to_string(removed.value()) + " node folders");
      }
    }
    if (Result<Done> free = check_ports(); !free) return free;
    return folder_->make_nodes(flags_.mesh.nodes);
  }

  Result<Done> check_ports() const {
    for (std::uint32_t i = 0; i < flags_.mesh.nodes; ++i) {
      for (const std::uint32_t port : {flags_.mesh.port + i, flags_.mesh.port + i + 1000}) {
        if (port_is_free(port)) continue;
        return Error{ErrorCode::failed,
                     "port " + std::to_string(port) +
                         " is in use, perhaps by another mesh; stop that, or use other ports, as "
                         "in 'pixmesh up --port 7700'"};
      }
    }
    return Done{};
  }

  Result<Done> start() {
    std::vector<bool> has_state;
    for (std::uint32_t i = 1; i <= flags_.mesh.nodes; ++i) {
      has_state.push_back(folder_->has_state(i));
    }
    const LocalMachine machine{std::max(1U, std::thread::hardware_concurrency()), machine_memory_};
    nodes_ = plan_local_mesh(flags_.mesh, *folder_, has_state, machine);
    for (const LocalNode& node : nodes_) {
      Result<NodeChild> child = NodeChild::start(node, folder_->log_file(node.number));
      if (!child) return child.error();
      children_.push_back(std::move(child).value());
    }
    return Done{};
  }

  /// Until every node of ours is an active member in the eyes of the first one that answers.
  Result<Done> wait_for_members() {
    const Result<std::optional<Duration>> given = context_.timeout();
    if (!given) return given.error();
    const auto give_up = std::chrono::steady_clock::now() + given->value_or(60s);
    ProgressLine progress(context_.output(), "starting");
    while (true) {
      if (!context_.sleep_for(100ms)) return Error{ErrorCode::failed, "interrupted"};
      for (std::size_t i = 0; i < children_.size(); ++i) {
        if (children_[i].poll()) return death_of(i);
      }
      const std::size_t active = active_count();
      if (active == nodes_.size()) return Done{};
      progress.show_text(std::to_string(active) + " of " + std::to_string(nodes_.size()) +
                         " nodes are members");
      if (std::chrono::steady_clock::now() < give_up) continue;
      return Error{ErrorCode::timed_out, std::to_string(active) + " of " +
                                             std::to_string(nodes_.size()) +
                                             " nodes became members; their logs are in " +
                                             flags_.folder + "/node-*.log. See --timeout"};
    }
  }

  std::size_t active_count() {
    std::vector<Endpoint> endpoints;
    for (const LocalNode& node : nodes_) {
      Endpoint endpoint;
      endpoint.text = node.address;
      endpoints.push_back(std::move(endpoint));
    }
    const auto client = context_.connect_to(std::move(endpoints), 3s);
    const auto reports =
        client ? client.value()->status() : Result<std::vector<NodeReport>>(client.error());
    if (!reports) return 0;
    std::size_t fewest = nodes_.size();
    std::size_t answers = 0;
    for (const NodeReport& report : reports.value()) {
      if (!report.status) continue;
      ++answers;
      fewest = std::min(fewest, ours_among(report.status->members));
    }
    return std::min(answers, fewest);
  }

  [[nodiscard]] std::size_t ours_among(const std::vector<MemberStatus>& members) const {
    return static_cast<std::size_t>(std::ranges::count_if(nodes_, [&](const LocalNode& node) {
      return std::ranges::any_of(members, [&](const MemberStatus& member) {
        return member.control == node.address && member.state == "active" && member.life == "alive";
      });
    }));
  }

  [[nodiscard]] Error death_of(std::size_t i) const {
    const std::uint32_t number = nodes_[i].number;
    return {ErrorCode::failed, "node-" + std::to_string(number) + " (" + nodes_[i].address +
                                   ") ended with " + children_[i].end().value_or("") +
                                   "; the end of " + folder_->log_file(number).string() + ":\n" +
                                   last_lines(folder_->log_file(number), 5)};
  }

  void welcome() {
    Output& output = context_.output();
    Json nodes = Json::array();
    TextTable table({{"NODE"}, {"ADDRESS"}, {"PROCESS", Align::right}, {"FOLDER"}});
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const std::string folder = folder_->node_folder(nodes_[i].number).string();
      table.add({"node-" + std::to_string(nodes_[i].number), nodes_[i].address,
                 std::to_string(children_[i].pid()), folder});
      nodes.push_back(Json{{"address", nodes_[i].address},
                           {"bulk", nodes_[i].bulk},
                           {"process", children_[i].pid()},
                           {"folder", folder},
                           {"log", folder_->log_file(nodes_[i].number).string()}});
    }
    output.print(table);
    output.print("\nThe mesh is ready; Ctrl-C stops it. In another terminal try:\n");
    if (flags_.mesh.port != 7600) {
      output.print("  export PIXMESH_NODE=" + nodes_.front().address + "\n");
    }
    output.print(
        "  pixmesh put photo.jpg\n"
        "  pixmesh run thumbnail photo.jpg width=400\n"
        "  pixmesh where photo.jpg\n"
        "  pixmesh status\n");
    output.object(Json{{"ready", true}, {"nodes", nodes}});
  }

  /// Until the person wants to stop, or no node is left.
  int watch() {
    std::size_t running = children_.size();
    while (running > 0) {
      if (!context_.sleep_for(200ms)) {
        context_.output().say("stopping");
        stop_all(children_);
        return exit_ok;
      }
      for (std::size_t i = 0; i < children_.size(); ++i) {
        if (!children_[i].poll()) continue;
        --running;
        (void)context_.output().fail(death_of(i), Json{{"address", nodes_[i].address}});
      }
    }
    return context_.fail({ErrorCode::failed, "no node runs any more"});
  }

  CommandContext& context_;
  const UpFlags& flags_;
  std::uint64_t machine_memory_;  // bytes; 0: not known
  std::optional<LocalFolder> folder_;
  std::vector<LocalNode> nodes_;
  std::vector<NodeChild> children_;
};

int up(CommandContext& context, UpFlags flags, std::uint64_t machine_memory) {
  const std::uint32_t last = flags.mesh.port + flags.mesh.nodes + 1000;
  if (flags.mesh.nodes == 0 || flags.mesh.nodes > 100 || flags.mesh.port == 0 || last > 65'536) {
    return context.fail({ErrorCode::usage,
                         "--nodes goes from 1 to 100 and --port to 65535 with the bulk ports 1000 "
                         "above; for example 'pixmesh up --nodes 3 --port 7600'"});
  }
  if (!flags.memory.empty()) {
    const Result<std::uint64_t> memory = parse_size(flags.memory);
    if (!memory) return context.fail({ErrorCode::usage, "--memory: " + memory.error().detail});
    flags.mesh.memory = memory.value();
  }
  return LocalMesh(context, flags, machine_memory).run();
}

}  // namespace

void add_up(CommandLine& line, std::uint64_t machine_memory) {
  const auto flags = std::make_shared<UpFlags>();
  const Command app =
      line.add(mesh_group, "up", "Run a mesh on this machine in the foreground; Ctrl-C stops it",
               [flags, machine_memory](CommandContext& context) {
                 return up(context, *flags, machine_memory);
               });
  app.add_option("--nodes", flags->mesh.nodes, "How many nodes").shows_default();
  app.add_option("--data", flags->folder, "Folder for the nodes' folders and logs")
      .type_name("DIR")
      .shows_default();
  app.add_option("--port", flags->mesh.port, "Port of the first node; the others follow")
      .shows_default();
  app.add_option("--workers", flags->mesh.workers,
                 "Tools that each node runs at a time (default: the cores shared out)");
  app.add_option(
         "--memory", flags->memory,
         "For all tools of one node at one time (default: half of the machine's shared out)")
      .type_name("SIZE");
  app.add_option("--sandbox", flags->mesh.sandbox,
                 "What is around tools: bwrap (bubblewrap), or off (default bwrap)")
      .type_name("LEVEL");
  app.add_flag("--clean", flags->clean, "First remove what an earlier 'up' left there");
}

}  // namespace pixmesh
