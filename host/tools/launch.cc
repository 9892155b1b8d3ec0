#include <fcntl.h>
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "host/tools/launch_filter.h"
#include "host/tools/launch_report.h"

// pixmesh-launch: starts one tool, waits for it, and tells what it took.
//
// In a sandbox it is process 1: when it ends, the kernel ends whatever the tool left. It is small
// and linked statically, since it stands before every run, and since the kernel never counts less
// memory for a program than the process had that started it: here 1 MB, not what the node has.

namespace {

using pixmesh::LaunchReport;

struct Order {
  int report = -1;
  rlim_t tasks = 0;
  uid_t user = 0;
  bool filter = false;
  bool terminal = false;
  const char* program = nullptr;
  char** argv = nullptr;
};

/// Between vfork and exec the child shares our memory: this is where it says what went wrong.
volatile std::uint32_t failed_step = LaunchReport::started;
volatile std::int32_t failed_error = 0;

bool give_up_privileges(uid_t user) {
  if (user == 0) return true;
  return setgroups(0, nullptr) == 0 && setresuid(user, user, user) == 0;
}

bool limit_tasks(rlim_t tasks) {
  if (tasks == 0) return true;
  const rlimit limit{tasks, tasks};
  return setrlimit(RLIMIT_NPROC, &limit) == 0;
}

bool filter_calls(bool wanted) {
  if (!wanted) return true;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && pixmesh::deny_needless_calls();
}

/// So that Ctrl-C and job control work: bubblewrap's own session lies outside of the tool's process
/// numbers, and no process in here could lead it.
bool take_terminal(bool wanted) {
  if (!wanted) return true;
  return setsid() >= 0 && ioctl(STDIN_FILENO, TIOCSCTTY, 0) == 0;
}

std::uint32_t become_tool(const Order& order) {
  if (!give_up_privileges(order.user)) return LaunchReport::privileges;
  if (!limit_tasks(order.tasks)) return LaunchReport::limit;
  if (!take_terminal(order.terminal)) return LaunchReport::terminal;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!filter_calls(order.filter)) return LaunchReport::filter;
  execve(order.program, order.argv, environ);
  return LaunchReport::exec;
}

/// Waits for the tool and, as process 1, ends and reaps what it left.
int wait_for_tool(pid_t tool) {
  int tool_status = 0;
  for (;;) {
    int status = 0;
    const pid_t ended = wait(&status);
    if (ended < 0 && errno == EINTR) continue;
    if (ended < 0) return tool_status;
    if (ended != tool) continue;
    tool_status = status;
    if (getpid() == 1) {
      kill(-1, SIGKILL);
    } else {
      return tool_status;  // the rest is the group's, which the node kills
    }
  }
}

std::uint64_t microseconds_of(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_usec);
}

LaunchReport report_of(int wait_status) {
  rusage used{};
  getrusage(RUSAGE_CHILDREN, &used);
  LaunchReport report;
  report.failed_step = failed_step;
  report.error = failed_error;
  report.wait_status = wait_status;
  report.cpu_microseconds = microseconds_of(used.ru_utime) + microseconds_of(used.ru_stime);
  report.memory_kibibytes = static_cast<std::uint64_t>(used.ru_maxrss);
  return report;
}

Order order_of(char** argv) {
  Order order;
  order.report = std::atoi(argv[1]);
  order.tasks = std::strtoul(argv[2], nullptr, 10);
  order.user = static_cast<uid_t>(std::strtoul(argv[3], nullptr, 10));
  order.filter = argv[4][0] == '1';
  order.terminal = argv[5][0] == '1';
  order.program = argv[pixmesh::launch_words];
  order.argv = argv + pixmesh::launch_words + 1;
  return order;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < pixmesh::launch_words + 2) return 2;
  const Order order = order_of(argv);
  // A tool of the same user must neither trace us nor write the report.
  prctl(PR_SET_DUMPABLE, 0);
  if (fcntl(order.report, F_SETFD, FD_CLOEXEC) != 0) return 2;

  const pid_t tool = vfork();
  if (tool == 0) {
    const std::uint32_t step = become_tool(order);
    failed_error = errno;
    failed_step = step;
    _exit(127);
  }
  if (tool < 0) {
    failed_error = errno;
    failed_step = LaunchReport::fork;
  }
  const int status = tool < 0 ? 0 : wait_for_tool(tool);
  const LaunchReport report = report_of(status);
  return write(order.report, &report, sizeof report) == sizeof report ? 0 : 1;
}
