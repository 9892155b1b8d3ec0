#include "cli/local_mesh.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "processing/quantity.h"

namespace pixmesh {
namespace {

constexpr std::uint32_t bulk_above = 1000;

std::string address_of(std::uint32_t port) { return "127.0.0.1:" + std::to_string(port); }

std::string end_of(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

/// In the child: gives signals back, sends output to the log, and becomes the node.
[[noreturn]] void become_node(const std::vector<char*>& argv, int log_fd, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // A terminal's Ctrl-C goes to the whole group; the nodes shall hear of it from us, in order.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  const int null_fd = ::open("/dev/null", O_RDONLY);
  ::dup2(null_fd, 0);
  ::dup2(log_fd, 1);
  ::dup2(log_fd, 2);
  ::execv("/proc/self/exe", argv.data());
  ::_exit(127);
}

}  // namespace

std::vector<LocalNode> plan_local_mesh(const LocalMeshOptions& options, const LocalFolder& folder,
                                       const std::vector<bool>& has_state,
                                       const LocalMachine& machine) {
  const std::uint32_t sharers = std::max(1U, options.nodes);
  const std::uint32_t workers =
      options.workers == 0 ? std::max(1U, machine.cores / sharers) : options.workers;
  const std::uint64_t memory =
      options.memory == 0 ? machine.memory_bytes / 2 / sharers : options.memory;
  const bool mesh_exists = std::ranges::find(has_state, true) != has_state.end();
  std::vector<LocalNode> nodes;
  for (std::uint32_t number = 1; number <= options.nodes; ++number) {
    LocalNode node;
    node.number = number;
    node.address = address_of(options.port + number - 1);
    node.bulk = address_of(options.port + number - 1 + bulk_above);
    node.arguments = {"node",          "run",
                      "--data",        folder.node_folder(number).string(),
                      "--listen",      node.address,
                      "--bulk-listen", node.bulk,
                      "--workers",     std::to_string(workers)};
    if (memory > 0) {
      node.arguments.insert(node.arguments.end(), {"--memory", print_size(memory)});
    }
    if (!options.sandbox.empty()) {
      node.arguments.insert(node.arguments.end(), {"--sandbox", options.sandbox});
    }
    if (!has_state[number - 1]) {
      if (number == 1 && !mesh_exists) node.arguments.emplace_back("--create");
      for (std::uint32_t other = 1; other <= options.nodes; ++other) {
        const bool founded = mesh_exists ? has_state[other - 1] : other == 1;
        if (other == number || !founded) continue;
        node.arguments.insert(node.arguments.end(),
                              {"--join", address_of(options.port + other - 1)});
      }
    }
    nodes.push_back(std::move(node));
  }
  return nodes;
}

Result<NodeChild> NodeChild::start(const LocalNode& node, const std::filesystem::path& log) {
  OwnedFd log_file(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (log_file.fd() < 0) {
    return Error{ErrorCode::failed, log.string() + ": " + std::strerror(errno)};
  }
  std::vector<std::string> words{"pixmesh"};
  words.insert(words.end(), node.arguments.begin(), node.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become_node(argv, log_file.fd(), parent);
  if (pid < 0) {
    return Error{ErrorCode::failed,
                 std::string("no process can be started: ") + std::strerror(errno)};
  }
  return NodeChild(pid);
}

bool NodeChild::poll() {
  int status = 0;
  if (end_ || ::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  end_ = end_of(status);
  return true;
}

void NodeChild::signal(int number) const {
  if (!end_) ::kill(pid_, number);
}

void stop_all(std::vector<NodeChild>& children, Duration patience) {
  for (const NodeChild& child : children) child.signal(SIGTERM);
  const auto all_ended = [&children] {
    bool ended = true;
    for (NodeChild& child : children) {
      (void)child.poll();
      ended = ended && child.end().has_value();
    }
    return ended;
  };
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (!all_ended() && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(20ms);
  }
  for (const NodeChild& child : children) child.signal(SIGKILL);
  while (!all_ended()) std::this_thread::sleep_for(5ms);
}

bool port_is_free(std::uint32_t port) {
  OwnedFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  (void)::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace pixmesh
