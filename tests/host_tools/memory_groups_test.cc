#include "host/tools/memory_groups.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include "host/tools/process_group.h"
#include "odd_bench.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// None where this machine has none to give; that is said plainly.
std::optional<MemoryGroups> groups_if_there_are() {
  Result<MemoryGroups> groups = MemoryGroups::open(MemoryGroups::Move::never);
  if (groups) return std::move(groups).value();
  MESSAGE("skipped: " << groups.error().detail);
  return std::nullopt;
}

/// Six processes of 100 MiB each, which wait for one another. @returns the wait status.
int end_of_greedy_family(int memory_group) {
  const FileHandle nowhere = FileHandle::open("/dev/null", O_RDWR).value();
  ProcessStart how;
  how.program = "/usr/bin/perl";
  how.argv = {"perl", "-e",
              "my @c; for (1 .. 6) { my $p = fork; if (!$p) { my $m = 'x' x 104857600; sleep 1;"
              "exit 0 } push @c, $p } for (@c) { waitpid($_, 0); exit 3 if $? }"};
  how.folder = "/";
  how.standard_input = how.standard_output = how.standard_error = nowhere.descriptor();
  how.memory_group = memory_group;
  how.limits.memory_bytes = 300ULL << 20;
  Result<ProcessGroup> group = ProcessGroup::start(how);
  REQUIRE(group.has_value());
  ProcessGroup family = std::move(group).value();
  return family.reap();
}

}  // namespace

TEST_CASE("memory groups: all processes together stay below the bound") {
  auto groups = groups_if_there_are();
  if (!groups) return;
  const Result<MemoryGroup> group = groups->make(300ULL << 20);
  REQUIRE(group.has_value());
  CHECK(end_of_greedy_family(group->joining()) != 0);
  CHECK(group->kills() > 0);
  CHECK(end_of_greedy_family(-1) == 0);  // each has its own bound only
}

TEST_CASE("memory groups: workers work in one") {
  const auto groups = groups_if_there_are();
  if (!groups) return;
  OddBench bench(odd_workers(), {}, groups);
  CHECK(read_text(bench.run("copy").output_path) == "stored bytes");
}

TEST_CASE("memory groups: a group is gone once its run has ended") {
  const auto groups = groups_if_there_are();
  if (!groups) return;
  fs::path folder;
  {
    MemoryGroups again = *groups;
    const Result<MemoryGroup> group = again.make(1ULL << 30);
    REQUIRE(group.has_value());
    CHECK(group->kills() == 0);
    folder = fs::read_symlink("/proc/self/fd/" + std::to_string(group->joining())).parent_path();
    CHECK(fs::exists(folder));
  }
  CHECK_FALSE(fs::exists(folder));
}

TEST_CASE("memory groups: where there are none, an operator is told why") {
  const TestFolder root;
  const auto told = [&] {
    const auto groups = MemoryGroups::open(MemoryGroups::Move::allowed, root.path());
    REQUIRE_FALSE(groups.has_value());
    return groups.error().detail;
  };
  CHECK(told().find("no control groups") != std::string::npos);
  fs::create_directories(root.path() / "proc/self");
  write_text(root.path() / "proc/self/cgroup", "0::/system.slice/pixmesh.service\n");
  const fs::path own = root.path() / "sys/fs/cgroup/system.slice/pixmesh.service";
  fs::create_directories(own);
  write_text(own / "cgroup.controllers", "cpu io\n");
  CHECK(told().find("memory is not delegated to") != std::string::npos);
  write_text(own / "cgroup.controllers", "cpu io memory\n");
  CHECK(told().find("cgroup.procs") != std::string::npos);  // no such file in this one
}
