#include "host/tools/process_executor.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "base/limits.h"
#include "host/system/time_slice.h"
#include "tool_bench.h"

using namespace pixmesh;
namespace fs = std::filesystem;

TEST_CASE("host_tools: a tool reads the stored file and its output is kept until it is discarded") {
  ToolBench bench;
  const ToolReport report = bench.run(bench.tool({"cp", "{in}", "{out}"}));

  CHECK(report.end == ToolEnd::finished);
  CHECK(report.exit_status == 0);
  CHECK(report.output_size == 12);
  CHECK(report.wall > 0s);
  CHECK(read_text(report.output_path) == "stored bytes");
  CHECK(fs::path(report.output_path).is_absolute());
  CHECK(report.output_path.ends_with("/out.txt"));

  bench.executor().discard(report.run);
  CHECK(bench.run(bench.tool({"true"})).end == ToolEnd::no_output);  // after the discard
  CHECK_FALSE(fs::exists(fs::path(report.output_path).parent_path()));
}

TEST_CASE("host_tools: a filter reads stdin and writes stdout") {
  ToolBench bench;
  ToolRun filter = bench.tool({"tr", "a-z", "A-Z"});
  filter.input_on_stdin = true;
  filter.output_on_stdout = true;
  const ToolReport report = bench.run(filter);
  CHECK(report.end == ToolEnd::finished);
  CHECK(read_text(report.output_path) == "STORED BYTES");
}

TEST_CASE("host_tools: the input's bytes stay although the stored file goes") {
  ToolBench bench;
  ToolRun slow = bench.shell(
      "echo > \"$out.ready\"; while [ ! -e \"$out.go\" ]; do sleep 0.01; "
      "done; cat \"$in\" > \"$out\"");
  slow.run = RunId{77};
  bench.executor().run(slow);
  (void)wait_for_line(bench.scratch() / "run-77/out.txt.ready");

  fs::remove(bench.disk() / "images/stored.bin");
  write_text(bench.scratch() / "run-77/out.txt.go", "");

  const ToolReport report = bench.reports().next();
  CHECK(report.end == ToolEnd::finished);
  CHECK(read_text(report.output_path) == "stored bytes");
}

TEST_CASE("host_tools: arguments reach the tool as they are, no shell looks at them") {
  ToolBench bench;
  ToolRun print = bench.tool({"printf", "%s|", "a b;$(id)`id` 'x' \"y\" *", "-o", "{{in}", "\n"});
  print.output_on_stdout = true;
  const ToolReport report = bench.run(print);
  const std::string input = fs::path(report.output_path).parent_path() / "in.bin";
  CHECK(read_text(report.output_path) == "a b;$(id)`id` 'x' \"y\" *|-o|{" + input + "|\n|");
}

TEST_CASE("host_tools: a tool sees a small environment, its own folder and no descriptors") {
  ::setenv("PIXMESH_SECRET", "x", 1);
  ToolBench bench;
  const ToolReport report = bench.run(bench.shell(
      "{ env | cut -d= -f1 | sort | tr '\\n' ' '; echo; pwd; umask; ulimit -c; nice; "
      "ls /proc/self/fd | wc -l; cat /proc/self/status | grep -E 'SigBlk|SigIgn|NoNewPrivs'; } "
      "> \"$out\""));
  REQUIRE(report.end == ToolEnd::finished);
  const std::string text = read_text(report.output_path);
  const std::string folder = fs::path(report.output_path).parent_path();
  // The shell itself adds PWD (and OLDPWD).
  CHECK(text.find("HOME LANG MAGICK_CONFIGURE_PATH MAGICK_THREAD_LIMIT OMP_NUM_THREADS PATH PWD "
                  "TMPDIR VIPSHOME VIPS_BLOCK_UNTRUSTED VIPS_CONCURRENCY") != std::string::npos);
  CHECK(text.find("PIXMESH_SECRET") == std::string::npos);
  CHECK(text.find("\n" + folder + "\n0077\n0\n") != std::string::npos);
  CHECK(text.find("\n4\n") != std::string::npos);  // 0, 1, 2 and the one ls opened
  CHECK(text.find("NoNewPrivs:\t1") != std::string::npos);
  CHECK(text.find("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000") != std::string::npos);
  ::unsetenv("PIXMESH_SECRET");
}

TEST_CASE("host_tools: a node that takes short time slices gives its tools the kernel's own") {
  const auto slice_in = [](const std::string& text) {  // of /proc/PID/sched
    const std::size_t at = text.find("se.slice");
    return at == std::string::npos ? std::string() : text.substr(at, text.find('\n', at) - at);
  };
  const std::string usual = slice_in(read_text("/proc/thread-self/sched"));
  ask_for_time_slices(200us);
  const std::string asked = slice_in(read_text("/proc/thread-self/sched"));
  ToolBench bench;
  const ToolReport report = bench.run(bench.shell("cat /proc/self/sched > \"$out\" || true"));
  ask_for_time_slices({});
  if (usual.empty() || asked == usual) {
    MESSAGE("skipped: this kernel has no slices to ask for");
    return;
  }
  CHECK(asked.find("200000") != std::string::npos);
  CHECK(slice_in(read_text(report.output_path)) == usual);
}

TEST_CASE("host_tools: libvips loads its plug-ins only for a recipe that wants them") {
  ToolBench bench;
  ToolRun list = bench.shell("vips -l > \"$out\"");
  const auto knows_heif = [&] {
    const ToolReport report = bench.run(list);
    REQUIRE(report.end == ToolEnd::finished);
    const std::string text = read_text(report.output_path);
    CHECK(text.find("jpegload") != std::string::npos);
    return text.find("heifload") != std::string::npos;
  };
  CHECK(!knows_heif());
  list.vips_modules = true;
  CHECK(knows_heif());
}

TEST_CASE("host_tools: an exit status and the last words of stderr are reported") {
  ToolBench bench;
  const ToolReport report = bench.run(bench.shell("printf 'bad \\033[2Jimage\\n' >&2; exit 3"));
  CHECK(report.end == ToolEnd::exit_status);
  CHECK(report.exit_status == 3);
  CHECK(report.error_text == "bad ?[2Jimage\n");
}

TEST_CASE("host_tools: a tool that dies of a signal of its own is reported as killed") {
  ToolBench bench;
  const ToolReport report = bench.run(bench.shell("kill -SEGV $$"));
  CHECK(report.end == ToolEnd::killed);
  CHECK(report.exit_status == SIGSEGV);
}

TEST_CASE("host_tools: a program that is missing or is none is not started") {
  ToolBench bench;
  write_text(bench.disk() / "tool", "not a program");
  fs::permissions(bench.disk() / "tool", fs::perms::owner_all);
  ToolRun no_input = bench.tool({"cp", "{in}", "{out}"});
  no_input.input_path = "images/absent.bin";
  ToolRun escape = bench.tool({"cp", "{in}", "{out}"});
  escape.input_path = "../../../etc/passwd";
  ToolRun odd_extension = bench.tool({"cp", "{in}", "{out}"});
  odd_extension.output_extension = "../x";

  const ToolReport missing = bench.run(bench.tool({"no-such-tool", "{in}", "{out}"}));
  CHECK(missing.end == ToolEnd::not_started);
  CHECK(missing.error_text == "'no-such-tool' is not installed here");
  const ToolReport none = bench.run(bench.tool({bench.disk() / "tool", "{in}", "{out}"}));
  CHECK(none.end == ToolEnd::not_started);
  CHECK(none.error_text.find("Exec format error") != std::string::npos);
  for (const ToolRun& tool : {no_input, escape, odd_extension}) {
    CHECK(bench.run(tool).end == ToolEnd::not_started);
  }
}

TEST_CASE("host_tools: success without a regular output file is no success") {
  ToolBench bench;
  CHECK(bench.run(bench.tool({"true", "{in}", "{out}"})).end == ToolEnd::no_output);
  CHECK(bench.run(bench.tool({"touch", "{out}"})).end == ToolEnd::no_output);
  CHECK(bench.run(bench.tool({"mkdir", "{out}"})).end == ToolEnd::no_output);
  const ToolReport linked = bench.run(bench.tool({"ln", "-s", "/etc/passwd", "{out}"}));
  CHECK(linked.end == ToolEnd::no_output);
  CHECK(linked.output_size == 0);
}

TEST_CASE("host_tools: cancelling kills the run, and unknown runs are ignored") {
  ToolBench bench;
  ToolRun endless = bench.shell("echo $$ > \"$out\"; sleep 1000");
  endless.run = RunId{5};
  bench.executor().run(endless);
  const int process = std::stoi(wait_for_line(bench.scratch() / "run-5/out.txt"));

  bench.executor().cancel(RunId{99});
  bench.executor().discard(RunId{99});
  bench.executor().cancel(RunId{5});

  CHECK(bench.reports().next().end == ToolEnd::cancelled);
  CHECK(ends(process));
  CHECK(fs::exists(bench.scratch() / "run-5"));
}

TEST_CASE("host_tools: discarding a running tool kills it and removes its folder") {
  ToolBench bench;
  ToolRun endless = bench.shell("echo > \"$out\"; sleep 1000");
  endless.run = RunId{5};
  bench.executor().run(endless);
  (void)wait_for_line(bench.scratch() / "run-5/out.txt");
  bench.executor().discard(RunId{5});
  const ToolReport report = bench.reports().next();
  CHECK(report.end == ToolEnd::cancelled);
  CHECK(report.output_path.empty());
  CHECK_FALSE(fs::exists(bench.scratch() / "run-5"));
}

TEST_CASE("host_tools: many runs at one time are each reported once and leave no zombie") {
  ToolBench bench;
  std::set<RunId> waiting;
  for (std::uint64_t run = 1; run <= 40; ++run) {
    ToolRun tool = bench.tool({"cp", "{in}", "{out}"});
    tool.run = RunId{run};
    waiting.insert(tool.run);
    bench.executor().run(tool);
  }
  while (!waiting.empty()) {
    const ToolReport report = bench.reports().next();
    CHECK(report.end == ToolEnd::finished);
    CHECK(waiting.erase(report.run) == 1);
  }
  CHECK(bench.reports().count() == 0);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("host_tools: closing the executor kills what runs and leaves nothing in its folder") {
  ToolBench bench;
  ToolRun endless = bench.shell("sleep 1000 & echo $! > \"$out\"; wait");
  endless.run = RunId{5};
  bench.executor().run(endless);
  const int process = std::stoi(wait_for_line(bench.scratch() / "run-5/out.txt"));
  bench.close();
  CHECK(ends(process));
  CHECK(fs::is_empty(bench.scratch()));
  CHECK(bench.reports().count() == 0);
}

TEST_CASE("host_tools: a killed node leaves no tool at work, and its next start cleans up") {
  TestFolder folder;
  write_text(folder.path() / "disk/stored.bin", "x");
  const ProcessExecutorOptions options{.disks = {folder.path() / "disk"},
                                       .scratch = folder.path() / "scratch"};
  const pid_t node = ::fork();
  REQUIRE(node >= 0);
  if (node == 0) {
    CollectedReports reports;
    const auto executor = ProcessExecutor::open(options, reports);
    ToolRun tool;
    tool.run = RunId{1};
    tool.argv = {"sh", "-c", "echo $$ > \"$0\"; exec sleep 1000", "{out}"};
    tool.input_path = "stored.bin";
    tool.input_extension = "bin";
    tool.output_extension = "txt";
    executor.value()->run(tool);
    for (;;) ::pause();
  }
  const int tool = std::stoi(wait_for_line(folder.path() / "scratch/run-1/out.txt"));

  ::kill(node, SIGKILL);
  ::waitpid(node, nullptr, 0);

  CHECK(ends(tool));
  CollectedReports reports;
  CHECK(ProcessExecutor::open(options, reports).has_value());
  CHECK(fs::is_empty(folder.path() / "scratch"));
}

TEST_CASE("host_tools: a folder whose name image tools would misread is refused") {
  TestFolder folder;
  CollectedReports reports;
  for (const char* name : {"50%d", "a[Q=1]", "a:b", "a\nb", "{in}"}) {
    const auto opened =
        ProcessExecutor::open({.disks = {}, .scratch = folder.path() / name}, reports);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == ErrorCode::usage);
  }
}
