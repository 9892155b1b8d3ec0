#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "host/system/clocks.h"
#include "host/system/file_handle.h"
#include "host/tools/launch_command.h"
#include "host/tools/memory_groups.h"
#include "host/tools/pipe.h"
#include "host/tools/process_group.h"
#include "host/tools/sandbox.h"

// What the sandbox adds to a start: /usr/bin/true from its start to its end, alone, behind the
// launcher, in the sandbox, and there in a control group if there are any, one after the other in
// each round. sandbox_benchmark [ROUNDS]
namespace pixmesh {
namespace {

using Words = std::vector<std::string>;

Duration time_of(const Words& words, MemoryGroups* groups = nullptr) {
  const auto nothing = FileHandle::open("/dev/null", O_RDWR);
  const auto pipe = open_pipe();
  ProcessStart how;
  how.program = words.front();
  how.argv = words;
  how.folder = "/";
  how.standard_input = how.standard_output = how.standard_error = nothing->descriptor();
  how.report = pipe->writing.descriptor();
  const Instant began = monotonic_now();
  std::optional<Result<MemoryGroup>> memory;
  if (groups != nullptr) memory.emplace(groups->take(1ULL << 30));
  if (memory) memory->value().take_in(how);
  auto started = ProcessGroup::start(how);
  if (!started) std::abort();
  ProcessGroup group = std::move(started).value();
  pollfd ended{group.descriptor(), POLLIN, 0};
  (void)poll(&ended, 1, -1);
  if (group.reap() != 0) std::abort();
  memory.reset();
  return monotonic_now() - began;
}

double ms(Duration span) { return static_cast<double>(span / 1us) / 1'000; }

void tell(const char* what, std::vector<Duration> times) {
  std::ranges::sort(times);
  const auto at = [&](std::size_t permille) { return times[times.size() * permille / 1000]; };
  std::printf("%-22s p50 %6.2f  p90 %6.2f  p99 %6.2f ms\n", what, ms(at(500)), ms(at(900)),
              ms(at(990)));
}

int measure(std::size_t rounds) {
  const auto sandbox = Sandbox::open({});
  const auto launcher = find_launcher();
  if (!sandbox || !launcher) {
    std::fprintf(stderr, "%s\n", sandbox ? "no launcher" : sandbox.error().detail.c_str());
    return 1;
  }
  SandboxView view;
  view.readable = {{"/etc/hostname", "/job/in.jpg"}, {"/usr/share", "/etc/pixmesh"}};
  const Words alone{"/usr/bin/true"};
  auto opened = MemoryGroups::open(MemoryGroups::Move::never);
  if (!opened) std::printf("%s\n", opened.error().detail.c_str());
  std::optional<MemoryGroups> groups;
  if (opened) groups.emplace(std::move(opened).value());
  std::vector<Duration> plain, launched, walled, more, bounded, all;
  for (std::size_t round = 0; round < rounds; ++round) {
    view.number = round;
    plain.push_back(time_of(alone));
    launched.push_back(time_of(launch_command(*launcher, {}, alone.front(), alone)));
    walled.push_back(time_of(sandbox->sandboxed(view, alone.front(), alone)));
    more.push_back(walled.back() - plain.back());
    if (!groups) continue;
    bounded.push_back(time_of(sandbox->sandboxed(view, alone.front(), alone), &*groups));
    all.push_back(bounded.back() - plain.back());
  }
  tell("alone", plain);
  tell("behind the launcher", launched);
  tell("in the sandbox", walled);
  tell("sandbox minus alone", more);
  if (bounded.empty()) return 0;
  tell("in a group as well", bounded);
  tell("both minus alone", all);
  return 0;
}

}  // namespace
}  // namespace pixmesh

int main(int argc, char** argv) {
  return pixmesh::measure(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000);
}
