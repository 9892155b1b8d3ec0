#include "host/tools/launch_filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace pixmesh {
namespace {

#if defined(__x86_64__)
constexpr unsigned architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr unsigned architecture = AUDIT_ARCH_AARCH64;
#else
constexpr unsigned architecture = 0;
#endif

constexpr unsigned foreign_calls = 0x40000000;  // x32's numbers begin here
constexpr unsigned new_namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

constexpr std::array<unsigned, 49> denied{
    // other users
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setfsuid,
    SYS_setfsgid, SYS_setgroups, SYS_capset,
    // namespaces and mounts
    SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_move_mount,
    SYS_open_tree, SYS_fsopen, SYS_fsmount, SYS_fsconfig, SYS_fspick, SYS_mount_setattr,
    // other processes
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_pidfd_getfd,
    // the kernel
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter,
    SYS_io_uring_register, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_kexec_load,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_reboot, SYS_swapon, SYS_swapoff,
    SYS_quotactl, SYS_acct, SYS_settimeofday, SYS_name_to_handle_at, SYS_open_by_handle_at};

constexpr sock_filter statement(unsigned code, unsigned value) {
  return {static_cast<unsigned short>(code), 0, 0, value};
}
/// Goes on with the next statement if equal (or, for JSET, if a bit is set), else over it.
constexpr sock_filter only_if(unsigned code, unsigned value) {
  return {static_cast<unsigned short>(BPF_JMP | code | BPF_K), 0, 1, value};
}
constexpr sock_filter load(std::size_t offset) {
  return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset));
}
constexpr sock_filter answer(unsigned verdict) { return statement(BPF_RET | BPF_K, verdict); }
constexpr sock_filter fail_with(unsigned error) { return answer(SECCOMP_RET_ERRNO | error); }

constexpr std::size_t first_argument = offsetof(seccomp_data, args);  // its lower half

constexpr std::size_t frame_length = 18;

constexpr auto program_of() {
  std::array<sock_filter, 2 * denied.size() + frame_length> made{};
  std::size_t at = 0;
  made[at++] = load(offsetof(seccomp_data, arch));
  made[at++] = {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, architecture};
  made[at++] = answer(SECCOMP_RET_KILL_PROCESS);
  made[at++] = load(offsetof(seccomp_data, nr));
  made[at++] = only_if(BPF_JGE, foreign_calls);
  made[at++] = fail_with(ENOSYS);
  for (const unsigned call : denied) {
    made[at++] = only_if(BPF_JEQ, call);
    made[at++] = fail_with(EPERM);
  }
  // Its flags lie in memory, where no filter can look: the C library takes clone instead.
  made[at++] = only_if(BPF_JEQ, SYS_clone3);
  made[at++] = fail_with(ENOSYS);
  made[at++] = {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, SYS_clone};
  made[at++] = load(first_argument);
  made[at++] = only_if(BPF_JSET, new_namespaces);
  made[at++] = fail_with(EPERM);
  made[at++] = load(offsetof(seccomp_data, nr));
  made[at++] = {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, SYS_socket};
  made[at++] = load(first_argument);
  made[at++] = {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AF_UNIX};
  made[at++] = fail_with(EACCES);
  made[at++] = answer(SECCOMP_RET_ALLOW);
  return made;
}

constexpr auto program = program_of();
static_assert(program.back().code == (BPF_RET | BPF_K) && program.back().k == SECCOMP_RET_ALLOW,
              "the program has exactly these statements");

}  // namespace

bool deny_needless_calls() {
  if constexpr (architecture == 0) return true;
  const sock_fprog filter{static_cast<unsigned short>(program.size()),
                          const_cast<sock_filter*>(program.data())};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

}  // namespace pixmesh
