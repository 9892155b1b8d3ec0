#include "host/tools/process_group.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <utility>

#include "host/system/time_slice.h"
#include "host/tools/clone_child.h"
#include "host/tools/launch_report.h"

namespace pixmesh {
namespace {

constexpr rlim_t descriptors_max = 256;
constexpr int niceness = 10;
constexpr int streams_max = 5;  // 0 … 2, the report, and the list of who is in a control group
constexpr int memory_group_stream = 4;
constexpr int signals_end = 65;  // one past the last real-time signal

/// All that the child needs, made before it exists: between clone and exec it shares the parent's
/// memory and may only make system calls.
struct ChildPlan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  const char* folder = nullptr;
  std::array<int, streams_max> streams{};
  rlimit cpu{}, memory{}, file{};
  pid_t parent = 0;
  const char* failed_step = nullptr;  // set by the child when it does not reach the program
  int error = 0;
};

#define PIXMESH_PLAIN __attribute__((no_sanitize("address", "undefined", "thread")))

PIXMESH_PLAIN bool place_streams(const ChildPlan& plan) {
  // First out of the way of 0 … 4, in case the parent runs without some of them.
  int moved[streams_max];
  for (int i = 0; i < streams_max; ++i) {
    const int stream = plan.streams[static_cast<std::size_t>(i)];
    moved[i] = stream < 0 ? -1 : fcntl(stream, F_DUPFD_CLOEXEC, streams_max);
    if (stream >= 0 && moved[i] < 0) return false;
  }
  for (int i = 0; i < streams_max; ++i) {
    if (moved[i] < 0) {
      close(i);
    } else if (dup2(moved[i], i) < 0) {
      return false;
    }
  }
  // All of ours are close-on-exec; this is for those a library opened otherwise, and so that no
  // lock of the node outlives it while this process waits for something.
  syscall(SYS_close_range, static_cast<unsigned>(streams_max), ~0U, 0U);
  return true;
}

/// Not being able to is no reason not to start.
PIXMESH_PLAIN void offer_to_memory_killer() {
  const long file = syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  syscall(SYS_write, file, "1000", 4);
  syscall(SYS_close, file);
}

/// In version 1 it is a list of threads: to move just this one takes 0.02 ms. A list of processes
/// takes a grace period of the kernel, 7 to 30 ms.
PIXMESH_PLAIN bool join_memory_group(const ChildPlan& plan) {
  if (plan.streams[memory_group_stream] < 0) return true;
  const bool joined = syscall(SYS_write, memory_group_stream, "0", 1) == 1;
  close(memory_group_stream);
  return joined;
}

PIXMESH_PLAIN bool limit_child(const ChildPlan& plan) {
  const rlimit descriptors{descriptors_max, descriptors_max};
  const rlimit core{0, 0};
  return setrlimit(RLIMIT_CPU, &plan.cpu) == 0 && setrlimit(RLIMIT_AS, &plan.memory) == 0 &&
         setrlimit(RLIMIT_FSIZE, &plan.file) == 0 && setrlimit(RLIMIT_CORE, &core) == 0 &&
         setrlimit(RLIMIT_NOFILE, &descriptors) == 0;
}

PIXMESH_PLAIN void reset_signals() {
  // The kernel's own form of SIG_DFL is all zero. sigaction(3) would also write down the change in
  // a sanitizer's tables, which are the parent's.
  const unsigned long standard[8] = {};
  for (int number = 1; number < signals_end; ++number) {
    syscall(SYS_rt_sigaction, number, standard, nullptr, sizeof(std::uint64_t));
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// A node takes the processor in short slices; a tool, which computes, is better off with long ones.
PIXMESH_PLAIN void forget_time_slices() {
  SchedulerAttributes attributes;
  attributes.nice = niceness;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

[[noreturn]] PIXMESH_PLAIN void leave_child() {
  for (;;) syscall(SYS_exit_group, 127);
}

PIXMESH_PLAIN const char* prepare_child(const ChildPlan& plan) {
  if (setsid() < 0) return "setsid";
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return "PR_SET_PDEATHSIG";
  if (getppid() != plan.parent) leave_child();  // it died before we asked to be told
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "PR_SET_NO_NEW_PRIVS";
  if (chdir(plan.folder) != 0) return "chdir";
  if (!place_streams(plan)) return "dup2";
  if (!join_memory_group(plan)) return "memory group";
  umask(077);
  setpriority(PRIO_PROCESS, 0, niceness);
  forget_time_slices();
  offer_to_memory_killer();
  if (!limit_child(plan)) return "setrlimit";
  reset_signals();
  return nullptr;
}

PIXMESH_PLAIN int child_main(void* argument) {
  ChildPlan& plan = *static_cast<ChildPlan*>(argument);
  plan.failed_step = prepare_child(plan);
  if (plan.failed_step == nullptr) {
    execve(plan.program, plan.argv, plan.environment);
    plan.failed_step = "exec";
  }
  plan.error = errno;
  leave_child();
}

std::vector<char*> pointers_of(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// A limit at which the kernel sends `soft`'s signal, and one above it that nobody can raise.
rlimit cpu_limit_of(Duration cpu) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(cpu).count();
  const rlim_t soft = seconds < 1 ? 1 : static_cast<rlim_t>(seconds);
  return {soft, soft + 1};
}

Error start_error(const std::string& program, const char* step, int error) {
  return {ErrorCode::failed,
          "cannot start '" + program + "': " + step + ": " + std::strerror(error)};
}

}  // namespace

Result<ProcessGroup> ProcessGroup::start(const ProcessStart& how) {
  const std::vector<char*> argv = pointers_of(how.argv);
  const std::vector<char*> environment = pointers_of(how.environment);
  ChildPlan plan;
  plan.program = how.program.c_str();
  plan.argv = argv.data();
  plan.environment = environment.data();
  plan.folder = how.folder.c_str();
  plan.streams = {how.standard_input, how.standard_output, how.standard_error, how.report,
                  how.joins};
  plan.cpu = cpu_limit_of(how.limits.cpu);
  plan.memory = {how.limits.memory_bytes, how.limits.memory_bytes};
  // One byte more than allowed, so that a cut-off file is told from one that just fits.
  plan.file = {how.limits.output_bytes + 1, how.limits.output_bytes + 1};
  plan.parent = getpid();

  const ClonedChild cloned = clone_child(child_main, &plan, how.born_in);
  if (cloned.leader < 0) return start_error(how.program, "clone", cloned.error);
  ProcessGroup group(cloned.leader, FileHandle(cloned.descriptor));
  if (plan.failed_step != nullptr) return start_error(how.program, plan.failed_step, plan.error);
  return group;
}

ProcessGroup::ProcessGroup(int leader, FileHandle leader_descriptor)
    : leader_(leader), leader_descriptor_(std::move(leader_descriptor)) {}

ProcessGroup::ProcessGroup(ProcessGroup&& other) noexcept
    : leader_(std::exchange(other.leader_, 0)),
      leader_descriptor_(std::move(other.leader_descriptor_)) {}

ProcessGroup::~ProcessGroup() {
  if (leader_ == 0) return;
  kill();
  (void)reap();
}

void ProcessGroup::kill() const {
  // The leader is not reaped yet, so its number names this group and no other.
  if (leader_ != 0) ::kill(-leader_, SIGKILL);
}

int ProcessGroup::reap() {
  invariant(leader_ != 0, "a group is reaped once");
  siginfo_t ended;
  while (waitid(P_PID, static_cast<id_t>(leader_), &ended, WEXITED | WNOWAIT) < 0 &&
         errno == EINTR) {
  }
  kill();
  int status = 0;
  while (waitpid(leader_, &status, 0) < 0 && errno == EINTR) {
  }
  leader_ = 0;
  return status;
}

}  // namespace pixmesh
