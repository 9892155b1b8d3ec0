#include "host/tools/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>

#include "base/shell_host.h"
#include "host/system/entropy.h"
#include "host/system/file_handle.h"
#include "host/system/program_path.h"
#include "host/tools/launch_command.h"
#include "host/tools/launch_report.h"
#include "host/tools/pipe.h"
#include "host/tools/process_group.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr const char* launcher_inside = "/pixmesh-launch";
constexpr std::uint32_t first_user = 2'100'000'000;  // above what containers and systemd hand out
constexpr std::uint32_t users_of_runs = 900;         // for one run after the other
constexpr std::uint32_t users_of_node = 1'000;       // the rest is for shells, which stay long
constexpr std::uint32_t nodes = 40'000;
constexpr std::uint32_t users = users_of_node * nodes;
constexpr int try_out_ms = 10'000;

Error no_sandbox(const std::string& why) {
  return {ErrorCode::failed, "no sandbox for tools works here: " + why +
                                 ". To let tools run without one, say --sandbox=off"};
}

void add(Words& words, const Words& more) { words.insert(words.end(), more.begin(), more.end()); }

/// /bin, /lib and the like: links into /usr today, folders of their own on older systems.
void add_system_folder(Words& words, const std::string& folder) {
  std::error_code missing;
  const fs::path target = fs::read_symlink(folder, missing);
  if (!missing) {
    add(words, {"--symlink", target.string(), folder});
  } else if (fs::is_directory(folder, missing)) {
    add(words, {"--ro-bind", folder, folder});
  }
}

Words privilege_words(bool changes_user) {
  if (!changes_user) return {"--unshare-user"};
  return {"--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"};
}

Words fixed_words(bool changes_user, const std::string& launcher) {
  Words words = privilege_words(changes_user);
  add(words, {"--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
              "--unshare-cgroup-try", "--hostname", "tool", "--die-with-parent", "--as-pid-1"});
  add(words, {"--ro-bind", "/usr", "/usr"});
  for (const char* folder : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    add_system_folder(words, folder);
  }
  for (const char* folder : {"/etc", "/dev", "/job"})
    add(words, {"--perms", "0755", "--dir", folder});
  for (const char* needed : {"/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts"}) {
    add(words, {"--ro-bind-try", needed, needed});
  }
  for (const char* device : {"/dev/null", "/dev/urandom"}) {
    add(words, {"--dev-bind", device, device});
  }
  add(words, {"--symlink", "urandom", "/dev/random"});  // each mount is 0.1 ms
  add(words, {"--ro-bind", launcher, launcher_inside});
  return words;
}

/// Which of the node's users it is for this number.
std::uint32_t user_of(std::uint64_t number) {
  const std::uint64_t count = number & ~shell_numbers;
  const bool is_shell = number != count;
  return static_cast<std::uint32_t>(
      is_shell ? users_of_runs + count % (users_of_node - users_of_runs) : count % users_of_runs);
}

/// Real root, and not the root of a user namespace that knows few users.
bool is_root_of_all() {
  if (::getuid() != 0) return false;
  std::ifstream map("/proc/self/uid_map");
  std::uint64_t inside = 1, outside = 1, count = 0;
  map >> inside >> outside >> count;
  return inside == 0 && outside == 0 && count > first_user + std::uint64_t{users};
}

bool is_below(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

std::string first_line(std::string text) {
  text.erase(std::min(text.find('\n'), text.size()));
  return text;
}

std::string read_pipe(int pipe) {
  std::array<char, 4'096> bytes;
  const ssize_t count = ::read(pipe, bytes.data(), bytes.size());
  return {bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

Result<Words> sound_folders(const Words& folders) {
  for (const std::string& folder : folders) {
    std::error_code missing;
    if (folder.starts_with('/') && fs::is_directory(folder, missing)) continue;
    return Error{ErrorCode::usage,
                 "'" + folder + "' is no folder here; --sandbox-bind takes an absolute path"};
  }
  return folders;
}

}  // namespace

Result<Sandbox> Sandbox::open(const SandboxOptions& options) {
  const Result<Words> folders = sound_folders(options.folders);
  if (!folders) return folders.error();
  const std::optional<std::string> bwrap = find_program("bwrap");
  if (!bwrap) return no_sandbox("bubblewrap is missing; install it: apt install bubblewrap");
  const std::optional<std::string> launcher = find_launcher();
  if (!launcher) return no_sandbox("the program pixmesh-launch is not beside this one");
  Sandbox sandbox;
  sandbox.bwrap_ = *bwrap;
  sandbox.launcher_ = *launcher;
  sandbox.changes_user_ = is_root_of_all();
  sandbox.first_user_ =
      first_user + static_cast<std::uint32_t>(seed_from_entropy() % nodes) * users_of_node;
  sandbox.folders_ = options.folders;
  sandbox.fixed_words_ = fixed_words(sandbox.changes_user_, *launcher);
  if (const Result<Done> works = sandbox.try_out(); !works) return works.error();
  return sandbox;
}

Words Sandbox::sandboxed(const SandboxView& view, const std::string& program,
                         const Words& argv) const {
  Words words{bwrap_};
  add(words, fixed_words_);
  // Before the folders that are shown: they may lie in the /tmp outside.
  add(words, {"--perms", "1777", "--size", std::to_string(view.temp_bytes), "--tmpfs", "/tmp"});
  for (const std::string& folder : folders_) add(words, {"--ro-bind", folder, folder});
  for (const SandboxBind& bind : view.readable) {
    add(words, {"--ro-bind", bind.outside, bind.inside});
  }
  for (const SandboxBind& bind : view.writable) add(words, {"--bind", bind.outside, bind.inside});
  if (view.terminal) add(words, {"--dev-bind-try", "/dev/tty", "/dev/tty"});
  add(words, {"--remount-ro", "/", "--chdir", "/tmp"});
  LaunchOptions launch;
  launch.tasks = view.tasks;
  launch.filter = true;
  launch.terminal = view.terminal;
  if (changes_user_) launch.user = first_user_ + user_of(view.number);
  add(words, launch_command(launcher_inside, launch, program, argv));
  return words;
}

Result<Done> Sandbox::shows(const std::string& program) const {
  std::error_code missing;
  const fs::path real = fs::canonical(program, missing);
  const auto holds = [&](const std::string& folder) { return is_below(real, folder); };
  if (missing || holds("/usr") || std::ranges::any_of(folders_, holds)) return Done{};
  for (const char* folder : {"/bin", "/sbin", "/lib"}) {
    if (holds(folder)) return Done{};
  }
  return Error{ErrorCode::failed, "'" + program +
                                      "' cannot be seen from inside the sandbox; start "
                                      "the node with --sandbox-bind " +
                                      real.parent_path().string()};
}

Result<Done> Sandbox::try_out() const {
  Result<Pipe> opened_words = open_pipe();
  Result<Pipe> opened_report = open_pipe();
  const Result<FileHandle> nothing = FileHandle::open("/dev/null", O_RDWR);
  if (!opened_words || !opened_report || !nothing) return no_sandbox("it cannot be tried out");
  const Pipe words = std::move(opened_words).value();
  const Pipe report = std::move(opened_report).value();
  ProcessStart how;
  how.program = bwrap_;
  how.argv = sandboxed({}, "/usr/bin/true", {"true"});
  how.folder = "/";
  how.standard_input = how.standard_output = nothing->descriptor();
  how.standard_error = words.writing.descriptor();
  how.report = report.writing.descriptor();
  Result<ProcessGroup> started = ProcessGroup::start(how);
  if (!started) return no_sandbox(started.error().detail);
  ProcessGroup group = std::move(started).value();
  pollfd ended{group.descriptor(), POLLIN, 0};
  if (poll(&ended, 1, try_out_ms) != 1) return no_sandbox("bubblewrap does not come to an end");
  group.reap();
  const std::optional<LaunchReport> told = read_launch_report(report.reading.descriptor());
  if (told && told->failed_step == LaunchReport::started && told->wait_status == 0) return Done{};
  const std::string said = first_line(read_pipe(words.reading.descriptor()));
  if (!said.empty()) return no_sandbox(said);
  return no_sandbox(told ? std::string(launch_step_name(told->failed_step)) + " fails"
                         : std::string("bubblewrap ends without a word"));
}

}  // namespace pixmesh
