#include "host/tools/memory_groups.h"

#include <doctest/doctest.h>

#include "tool_bench.h"

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

/// Six processes of 100 MiB each, which wait for one another.
ToolRun greedy_family(const ToolBench& bench) {
  ToolRun tool =
      bench.tool({"perl", "-e",
                  "my @c; for (1 .. 6) { my $p = fork; if (!$p) { my $m = 'x' x 104857600;"
                  "sleep 1; exit 0 } push @c, $p }"
                  "for (@c) { waitpid($_, 0); exit 3 if $? }"
                  "open(my $o, '>', $ARGV[0]); print $o 'done'; close $o",
                  "{out}"});
  tool.limits.memory_bytes = 300ULL << 20;
  return tool;
}

}  // namespace

TEST_CASE("memory groups: all processes of a run together stay below its limit") {
  const auto groups = groups_if_there_are();
  if (!groups) return;
  for (const auto& sandbox : {std::optional<Sandbox>(), sandbox_if_it_works()}) {
    ToolBench bound(sandbox, {}, {}, groups);
    const ToolReport report = bound.run(greedy_family(bound));
    CHECK(report.end == ToolEnd::memory_limit);
    const ToolReport next = bound.run(bound.tool({"cp", "{in}", "{out}"}));
    CHECK(next.end == ToolEnd::finished);

    ToolBench free(sandbox);
    CHECK(free.run(greedy_family(free)).end == ToolEnd::finished);  // each has its own bound only
  }
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
