#include <unistd.h>

#include <cstdio>
#include <cstdlib>
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
      {"number", [=] { return tell_number(output); }},
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
