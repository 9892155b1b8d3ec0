#include "host/workers/worker_loop.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "host/workers/job_cost.h"
#include "host/workers/worker_socket.h"

namespace pixmesh {
namespace {

constexpr int socket_descriptor = 0;

constexpr std::int32_t wait_status_of(int exit_status) { return exit_status << 8; }

WorkerAnswer do_here(const WorkerJob& job, const ReceivedJob& received, const DoJob& do_job) {
  const JobCost cost;
  WorkerAnswer answer;
  limit_job(job, LimitHold::for_this_job);
  answer.wait_status = wait_status_of(do_job(job, received.input, received.output));
  cost.fill(answer);
  return answer;
}

[[noreturn]] void do_as_child(const WorkerJob& job, const ReceivedJob& received,
                              const DoJob& do_job, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(EXIT_FAILURE);
  close(socket_descriptor);  // what an image makes of this process speaks to nobody
  limit_job(job, LimitHold::for_good);
  _exit(do_job(job, received.input, received.output));
}

WorkerAnswer do_forked(const WorkerJob& job, const ReceivedJob& received, const DoJob& do_job) {
  WorkerAnswer answer;
  answer.wait_status = wait_status_of(EXIT_FAILURE);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) do_as_child(job, received, do_job, parent);
  if (child < 0) {
    std::perror("fork");
    return answer;
  }
  rusage usage{};
  int status = 0;
  while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  answer.wait_status = status;
  answer.cpu_micros = cpu_micros_of(usage);
  answer.memory_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1'024;
  return answer;
}

}  // namespace

int serve_jobs(JobIsolation isolation, const DoJob& do_job) {
  if (!send_answer(socket_descriptor, {.ready = 1})) return EXIT_FAILURE;
  while (const auto received = receive_job(socket_descriptor)) {
    const auto job = job_of(received->bytes);
    if (!job) return EXIT_FAILURE;
    const WorkerAnswer answer = isolation == JobIsolation::forked
                                    ? do_forked(*job, *received, do_job)
                                    : do_here(*job, *received, do_job);
    close(received->input);
    close(received->output);
    if (!send_answer(socket_descriptor, answer)) return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

}  // namespace pixmesh
