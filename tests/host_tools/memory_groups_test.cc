#include "host/tools/memory_groups.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "host/tools/clone_child.h"
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

/// A start of perl whose output goes nowhere.
class PerlStart {
 public:
  explicit PerlStart(const std::string& program) {
    how_.program = "/usr/bin/perl";
    how_.argv = {"perl", "-e", program};
    how_.folder = "/";
    how_.standard_input = how_.standard_output = how_.standard_error = nowhere_.descriptor();
    how_.limits.memory_bytes = 300ULL << 20;
  }
  ProcessStart& how() { return how_; }
  /// @returns the wait status.
  int run() {
    Result<ProcessGroup> group = ProcessGroup::start(how_);
    REQUIRE(group.has_value());
    ProcessGroup family = std::move(group).value();
    return family.reap();
  }

 private:
  FileHandle nowhere_ = FileHandle::open("/dev/null", O_RDWR).value();
  ProcessStart how_;
};

/// Ten children, each with 60 MB, which stay until all have it or were killed. It prints how many
/// have it, and ends well in any case.
constexpr const char* greedy_family =
    "my @all; pipe(my $stay, my $go);"
    "for (1 .. 10) {"
    "  pipe(my $read, my $write);"
    "  if (!fork) {"
    "    close $go; my $mine = 'x' x 60_000_000;"
    "    syswrite $write, 'x'; sysread $stay, my $end, 1; exit"
    "  }"
    "  close $write; push @all, $read"
    "}"
    "my $count = 0; $count += sysread $_, my $have, 1 for @all;"
    "close $go; 1 while wait > 0; print $count; exit($count < 10 ? $ENV{FAIL} // 0 : 0)";

ToolRun family_of(const ToolBench& bench) {
  ToolRun family = bench.tool({"perl", "-e", greedy_family});
  family.output_on_stdout = true;
  family.limits.memory_bytes = 200ULL << 20;
  return family;
}

/// What lies below `parent` of the groups that this process has made.
std::vector<fs::path> groups_in(const fs::path& parent) {
  const std::string ours = "pixmesh-run-" + std::to_string(::getpid()) + "-";
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent)) {
    if (entry.path().filename().string().starts_with(ours)) found.push_back(entry.path());
  }
  return found;
}

/// Tools in groups, and where these are made.
struct GroupBench {
  explicit GroupBench(MemoryGroups groups)
      : parent(groups.take(1ULL << 30).value().folder().parent_path()),
        before(groups_in(parent).size()),
        bench(sandbox_if_it_works(), {}, {}, std::move(groups)) {}
  /// Those of runs that are over wait for the next ones.
  std::size_t groups_made() const { return groups_in(parent).size() - before; }

  fs::path parent;
  std::size_t before;
  ToolBench bench;
};

/// A new group of version 2 below this process's own, with whatever controllers; none where none
/// can be made.
std::optional<fs::path> new_unified_group() {
  const fs::path root =
      fs::exists("/sys/fs/cgroup/cgroup.controllers") ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified";
  const std::string facts = read_text("/proc/self/cgroup");
  const std::size_t line = facts.find("0::/");
  if (line == std::string::npos) return std::nullopt;
  const std::string own = facts.substr(line + 4, facts.find('\n', line) - line - 4);
  const fs::path group = root / own / ("pixmesh-birth-" + std::to_string(::getpid()));
  std::error_code error;
  return fs::create_directory(group, error) ? std::optional(group) : std::nullopt;
}

}  // namespace

TEST_CASE("memory groups: all processes together stay below the bound") {
  auto groups = groups_if_there_are();
  if (!groups) return;
  const Result<MemoryGroup> group = groups->take(300ULL << 20);
  REQUIRE(group.has_value());
  PerlStart family(std::string("$ENV{FAIL} = 3;") + greedy_family);
  CHECK(family.run() == 0);  // each has its own bound only
  group->take_in(family.how());
  CHECK(family.run() != 0);
  CHECK(group->kills() > 0);
}

TEST_CASE("memory groups: a tool that forks is killed for what all its processes need together") {
  const auto groups = groups_if_there_are();
  if (!groups) return;
  const auto sandbox = sandbox_if_it_works();
  ToolBench bounded(sandbox, {}, {}, groups);
  const ToolReport killed = bounded.run(family_of(bounded));
  CHECK(killed.end == ToolEnd::memory_limit);
  CHECK(killed.cpu > 0s);  // what it took is known all the same
  CHECK(killed.memory_bytes > 60'000'000);
  CHECK(bounded.run(bounded.shell("cp $in $out")).end == ToolEnd::finished);

  ToolBench unbounded(sandbox);
  const ToolReport whole = unbounded.run(family_of(unbounded));
  CHECK(whole.end == ToolEnd::finished);
  CHECK(read_text(whole.output_path) == "10");
}

TEST_CASE("memory groups: runs one after the other share a group, and the last takes it away") {
  auto groups = groups_if_there_are();
  if (!groups) return;
  fs::path parent;
  {
    GroupBench rig(*std::exchange(groups, std::nullopt));
    parent = rig.parent;
    for (int run = 0; run < 3; ++run) {
      CHECK(rig.bench.run(rig.bench.shell("cp $in $out")).end == ToolEnd::finished);
      CHECK(rig.bench.run(family_of(rig.bench)).end == ToolEnd::memory_limit);
    }
    CHECK(rig.groups_made() == 2);  // their limits differ
    // That the kernel killed somebody in it before is no later run's business.
    ToolRun modest = rig.bench.shell("cp $in $out");
    modest.limits = family_of(rig.bench).limits;
    CHECK(rig.bench.run(modest).end == ToolEnd::finished);
    CHECK(rig.groups_made() == 2);
  }
  CHECK(groups_in(parent).empty());
}

TEST_CASE("memory groups: no run gets a group in which another still has a process") {
  auto groups = groups_if_there_are();
  if (!groups) return;
  PerlStart child("sleep 1000");
  fs::path busy;
  const auto start_in_one = [&] {
    const MemoryGroup group = groups->take(1ULL << 30).value();
    busy = group.folder();
    group.take_in(child.how());
    return ProcessGroup::start(child.how());
  };
  {
    const Result<ProcessGroup> stays = start_in_one();
    REQUIRE(stays.has_value());
    CHECK(groups->take(1ULL << 30)->folder() != busy);
  }  // killed
  CHECK(groups->take(1ULL << 30)->folder() == busy);
}

TEST_CASE("memory groups: of a cancelled run nothing is left") {
  auto groups = groups_if_there_are();
  if (!groups) return;
  GroupBench rig(*std::exchange(groups, std::nullopt));
  ToolBench& bench = rig.bench;
  const RunId run = bench.begin(bench.shell("echo up > $out; sleep 1000 & wait"));
  (void)wait_for_line(bench.scratch() / ("run-" + std::to_string(run.raw)) / "out.txt");
  REQUIRE(rig.groups_made() == 1);
  bench.executor().cancel(run);
  CHECK(bench.reports().next().end == ToolEnd::cancelled);
  const fs::path group = groups_in(rig.parent).back();
  CHECK(comes_true_soon([&] { return read_text(group / "cgroup.procs").empty(); }));
  bench.close();
  CHECK(groups_in(rig.parent).empty());
}

TEST_CASE("memory groups: a process is born in a group of version 2 and need not join it") {
  const auto group = can_clone_into_groups() ? new_unified_group() : std::nullopt;
  if (!group) {
    MESSAGE("skipped: no control group of version 2 can be made and be born in here");
    return;
  }
  const std::string name = "/" + group->filename().string() + "\n";
  PerlStart child("local $/; open my $f, '<', '/proc/self/cgroup'; <$f> =~ m{^0::.*" + name +
                  "}m and exit 7");
  CHECK(child.run() == 0);
  {
    const FileHandle folder = FileHandle::open(*group, O_RDONLY | O_DIRECTORY).value();
    child.how().born_in = folder.descriptor();
    CHECK(child.run() == 7 << 8);
    child.how().program = "/absent";
    const auto absent = ProcessGroup::start(child.how());
    REQUIRE_FALSE(absent.has_value());
    CHECK(absent.error().detail == "cannot start '/absent': exec: No such file or directory");
  }
  CHECK(fs::remove(*group));  // empty: nobody is in it
}

TEST_CASE("memory groups: workers work in one") {
  const auto groups = groups_if_there_are();
  if (!groups) return;
  OddBench bench(odd_workers(), {}, groups);
  CHECK(read_text(bench.run("copy").output_path) == "stored bytes");
}

TEST_CASE("memory groups: where there are none, an operator is told why") {
  const TestFolder root;
  const auto told = [&](MemoryGroups::Move move = MemoryGroups::Move::allowed) {
    const auto groups = MemoryGroups::open(move, root.path());
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
  CHECK(told(MemoryGroups::Move::never).find("not shared out") != std::string::npos);
  CHECK_FALSE(fs::exists(own / "pixmesh-node"));
  CHECK(told().find("cgroup.procs") != std::string::npos);  // no such file in this one
}
