#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "host/workers/worker_loop.h"

// A worker whose operations are what images do to one.
namespace pixmesh {
namespace {

void put(int output, std::string_view text) {
  if (write(output, text.data(), text.size()) < 0) std::perror("write");
}

int copy(int input, int output) {
  char bytes[256];
  const ssize_t count = read(input, bytes, sizeof bytes);
  put(output, {bytes, static_cast<std::size_t>(count)});
  return 0;
}

/// Its own number and its parent's, in one line.
int tell_number(int output) {
  put(output, std::to_string(getpid()) + " " + std::to_string(getppid()) + "\n");
  return 0;
}

int hang(int output) {
  const pid_t child = fork();
  if (child > 0) put(output, std::to_string(child) + " " + std::to_string(getpid()) + "\n");
  for (;;) pause();
}

int flood(int output) {
  const std::string block(1U << 16, 'x');
  for (;;) put(output, block);
}

/// Whether this file can be opened here.
int look(const std::string& path, int output) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  put(output, file < 0 ? std::strerror(errno) : "seen");
  if (file >= 0) close(file);
  return 0;
}

/// Leaves a process in a session of its own, with the mark in its command line, and hangs.
int leave(const std::string& mark, int output) {
  if (vfork() == 0) {
    setsid();
    execl("/usr/bin/sleep", "sleep", mark.c_str(), nullptr);
    _exit(EXIT_FAILURE);
  }
  put(output, "left\n");
  for (;;) pause();
}

int raise_and_flood(int output) {
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_FSIZE, &limit);
  return flood(output);
}

/// @param megabytes  written to, so that they are resident; `kept` outlives the job.
int take_memory(std::size_t megabytes, std::vector<std::string>& into, int output) {
  try {
    into.emplace_back(megabytes << 20, 'x');
  } catch (const std::bad_alloc&) {
    std::fputs("out of memory\n", stderr);
    return EXIT_FAILURE;
  }
  return tell_number(output);
}

[[noreturn]] void spin() {
  for (volatile unsigned turns = 0;;) turns = turns + 1;
}

int fail() {
  std::fputs("no good\n", stderr);
  return EXIT_FAILURE;
}

int do_odd_job(const WorkerJob& job, int input, int output) {
  static std::vector<std::string> kept;
  std::vector<std::string> dropped;
  const std::map<std::string_view, std::function<int()>> jobs{
      {"copy", [=] { return copy(input, output); }},
      {"crash", [] { return std::abort(), 0; }},
      {"fail", fail},
      {"flood", [=] { return flood(output); }},
      {"hang", [=] { return hang(output); }},
      {"hog", [&] { return take_memory(1'024, dropped, output); }},
      {"keep", [=] { return take_memory(64, kept, output); }},
      {"leave", [&] { return leave(job.arguments.at(0), output); }},
      {"look", [&] { return look(job.arguments.at(0), output); }},
      {"number", [=] { return tell_number(output); }},
      {"raise and flood", [=] { return raise_and_flood(output); }},
      {"spin", [] { return spin(), 0; }},
      {"use", [&] { return take_memory(64, dropped, output); }},
      {"write nothing", [] { return 0; }},
  };
  const auto found = jobs.find(job.operation);
  return found == jobs.end() ? worker_exit_not_known : found->second();
}

}  // namespace
}  // namespace pixmesh

int main(int count, char** arguments) {
  const bool forked = count == 2 && std::string_view(arguments[1]) == "job";
  return pixmesh::serve_jobs(forked ? pixmesh::JobIsolation::forked : pixmesh::JobIsolation::shared,
                             pixmesh::do_odd_job);
}
