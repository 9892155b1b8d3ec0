#include "host/tools/clone_child.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>

/// glibc's clone(2) under its second name: ThreadSanitizer replaces the first one by a kind of
/// fork.
extern "C" int __clone(int (*child)(void*), void* stack, int flags, void* argument, ...);

namespace pixmesh {
namespace {

constexpr std::size_t child_stack_bytes = 64U << 10;
constexpr int clone_flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;

/// Blocks every signal while the child shares our memory: no handler of ours may run in it.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

/// clone(2) cannot name a control group, glibc has no function for clone3(2), and a child on
/// another stack cannot return from syscall(2). @returns the child's id, or minus the error.
long clone3_on_stack(clone_args& how, int (*child)(void*), void* argument) {
#if defined(__x86_64__)
  long result = SYS_clone3;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "mov %[argument], %%rdi\n\t"
      "call *%[child]\n\t"
      "hlt\n"
      "1:"
      : "+a"(result)
      : "D"(&how), "S"(sizeof how), [child] "r"(child), [argument] "r"(argument)
      : "rcx", "r11", "cc", "memory");
  return result;
#else
  (void)how, (void)child, (void)argument;
  return -ENOSYS;
#endif
}

ClonedChild clone_into(int group, void* stack, int (*child)(void*), void* argument) {
  ClonedChild cloned;
  clone_args how{};
  how.flags = clone_flags | CLONE_INTO_CGROUP;
  how.pidfd = reinterpret_cast<std::uintptr_t>(&cloned.descriptor);
  how.exit_signal = SIGCHLD;
  how.stack = reinterpret_cast<std::uintptr_t>(stack);
  how.stack_size = child_stack_bytes;
  how.cgroup = static_cast<std::uint64_t>(group);
  const long result = clone3_on_stack(how, child, argument);
  cloned.leader = result < 0 ? -1 : static_cast<pid_t>(result);
  cloned.error = result < 0 ? static_cast<int>(-result) : 0;
  return cloned;
}

ClonedChild clone_here(void* stack, int (*child)(void*), void* argument) {
  ClonedChild cloned;
  cloned.leader = __clone(child, static_cast<char*>(stack) + child_stack_bytes,
                          clone_flags | SIGCHLD, argument, &cloned.descriptor);
  cloned.error = cloned.leader < 0 ? errno : 0;
  return cloned;
}

}  // namespace

ClonedChild clone_child(int (*child)(void*), void* argument, int group) {
  void* stack = mmap(nullptr, child_stack_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return {.error = errno};
  ClonedChild cloned;
  {
    const SignalsBlocked blocked;
    cloned =
        group < 0 ? clone_here(stack, child, argument) : clone_into(group, stack, child, argument);
  }
  munmap(stack, child_stack_bytes);
  return cloned;
}

bool can_clone_into_groups() {
  // No descriptor has this number, so none is born: a kernel that knows the call says that.
  const auto never_run = [](void*) { return 0; };
  return clone_child(never_run, nullptr, INT_MAX).error == EBADF;
}

}  // namespace pixmesh
