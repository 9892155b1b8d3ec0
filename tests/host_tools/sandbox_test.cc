#include "host/tools/sandbox.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>

#include "host/tools/launch_command.h"
#include "tool_bench.h"

using namespace pixmesh;
namespace fs = std::filesystem;

namespace {

/// What the shell line prints, run in a sandbox.
std::string said_by(ToolBench& bench, const std::string& line) {
  ToolRun tool = bench.shell(line);
  tool.output_on_stdout = true;
  tool.argv.pop_back();
  const ToolReport report = bench.run(tool);
  CHECK_MESSAGE(report.end == ToolEnd::finished, report.error_text);
  return read_text(report.output_path);
}

/// Holds so much memory, all of it resident.
std::vector<char> resident(std::size_t bytes) { return std::vector<char>(bytes, 'x'); }

constexpr const char* takes_300_mb = "my $x = qq(); vec($x, 299_999_999, 8) = 1; print length $x";
constexpr const char* spins = "my @t; do { @t = times } while $t[0] + $t[1] < 0.5; print 1";

}  // namespace

TEST_CASE("sandbox: a tool reads its input and writes its output, by path and by stream") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  ToolRun filter = bench.tool({"tr", "a-z", "A-Z"});
  filter.input_on_stdin = true;
  filter.output_on_stdout = true;

  const ToolReport copied = bench.run(bench.tool({"cp", "{in}", "{out}"}));
  const ToolReport filtered = bench.run(filter);

  CHECK_MESSAGE(copied.end == ToolEnd::finished, copied.error_text);
  CHECK(read_text(copied.output_path) == "stored bytes");
  CHECK(filtered.end == ToolEnd::finished);
  CHECK(read_text(filtered.output_path) == "STORED BYTES");
  CHECK(bench.run(bench.tool({"true", "{in}", "{out}"})).end == ToolEnd::no_output);
}

TEST_CASE("sandbox: a tool sees programs, its input and its output, and nothing else") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  ::setenv("PIXMESH_SECRET", "x", 1);
  const std::string seen = said_by(bench,
                                   "ls / | grep -v '^lib\\|^s*bin$' | tr '\\n' ' '; ls /job;"
                                   "ls -A /tmp /home /root /var 2>&1 | wc -l; env");
  ::unsetenv("PIXMESH_SECRET");

  CHECK(seen.starts_with("dev etc job pixmesh-launch tmp usr in.bin\n"));
  CHECK(seen.find("PIXMESH_SECRET") == std::string::npos);
  CHECK(said_by(bench, "ls /etc | tr '\\n' ' '").find("passwd") == std::string::npos);
}

TEST_CASE("sandbox: a tool can change nothing but its output and its own /tmp") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  const ToolReport report = bench.run(bench.shell(
      "echo bad > $in; rm -f $in; mv $in /tmp/x; ln $in /tmp/y; chmod 777 $in;"
      "for d in / /usr /usr/bin /usr/lib /etc /dev /job /bin; do touch $d/new && echo $d >> $out; "
      "done; touch /tmp/new && echo done >> $out"));

  CHECK(read_text(report.output_path) == "done\n");
  CHECK(read_text(bench.disk() / "images/stored.bin") == "stored bytes");
  CHECK(fs::status(bench.disk() / "images/stored.bin").permissions() != fs::perms(0777));
}

TEST_CASE("sandbox: a stored file that only its owner may read reaches a tool of another user") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  fs::permissions(bench.disk() / "images/stored.bin", fs::perms(0600));
  const ToolReport copied = bench.run(bench.tool({"cp", "{in}", "{out}"}));

  CHECK(read_text(copied.output_path) == "stored bytes");
  CHECK(fs::status(bench.disk() / "images/stored.bin").permissions() == fs::perms(0600));
}

TEST_CASE("sandbox: an end, a signal and last words are reported as without one") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  const ToolReport failed = bench.run(bench.shell("printf 'bad image' >&2; exit 3"));
  const ToolReport died = bench.run(bench.shell("kill -SEGV $$"));
  const ToolReport missing = bench.run(bench.tool({"no-such-tool", "{in}", "{out}"}));

  CHECK(failed.end == ToolEnd::exit_status);
  CHECK(failed.exit_status == 3);
  CHECK(failed.error_text == "bad image");
  CHECK(died.end == ToolEnd::killed);
  CHECK(died.exit_status == SIGSEGV);
  CHECK(missing.end == ToolEnd::not_started);
}

TEST_CASE("sandbox: a program out of its sight is not started, unless its folder is shown") {
  if (!sandbox_if_it_works()) return;
  TestFolder folder;
  const fs::path program = folder.path() / "tool";
  write_text(program, "#!/bin/sh\ncp \"$1\" \"$2\"\n");
  fs::permissions(folder.path(), fs::perms(0755));
  fs::permissions(program, fs::perms(0755));
  ToolBench blind(sandbox_if_it_works());
  ToolBench shown(Sandbox::open({.folders = {folder.path()}}).value());

  const ToolReport unseen = blind.run(blind.tool({program, "{in}", "{out}"}));

  CHECK(unseen.end == ToolEnd::not_started);
  CHECK(unseen.error_text.find("--sandbox-bind " + folder.path().string()) != std::string::npos);
  CHECK(shown.run(shown.tool({program, "{in}", "{out}"})).end == ToolEnd::finished);
  CHECK_FALSE(Sandbox::open({.folders = {"/no/such/folder"}}).has_value());
}

TEST_CASE("sandbox: memory and CPU are those of the tool, however large the node is") {
  const std::vector<char> ballast = resident(200'000'000);
  CHECK(ballast.back() == 'x');
  std::vector<std::optional<Sandbox>> places{std::nullopt};
  if (const auto sandbox = sandbox_if_it_works()) places.emplace_back(sandbox);
  for (const auto& place : places) {
    ToolBench bench(place);
    ToolRun hog = bench.tool({"perl", "-e", takes_300_mb});
    hog.output_on_stdout = true;
    ToolRun spin = bench.tool({"perl", "-e", spins});
    spin.output_on_stdout = true;

    const ToolReport large = bench.run(hog);
    const ToolReport small = bench.run(bench.tool({"cp", "{in}", "{out}"}));
    const ToolReport busy = bench.run(spin);

    CHECK(large.memory_bytes > 300'000'000);
    CHECK(large.memory_bytes < 400'000'000);  // AddressSanitizer is not in the tool
    CHECK(small.memory_bytes > 500'000);
    CHECK(small.memory_bytes < 20'000'000);
    CHECK(busy.cpu >= 500ms);
    CHECK(busy.cpu < 1500ms);
    CHECK(small.cpu < 200ms);
  }
}

TEST_CASE("sandbox: what the tool's own children took counts too") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  const ToolReport report = bench.run(
      bench.shell("perl -e '" + std::string(takes_300_mb) + "; " + spins + "'; echo > $out"));
  CHECK(report.memory_bytes > 300'000'000);
  CHECK(report.cpu >= 500ms);
}

TEST_CASE("sandbox: ImageMagick knows five formats and neither drawings nor lists of files") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  ToolRun draw = bench.tool({"vips", "black", "{out}", "30", "20", "--bands", "3"});
  draw.output_extension = "png";
  fs::copy_file(bench.run(draw).output_path, bench.disk() / "images/black.png");
  write_text(bench.disk() / "images/drawing.jpg",
             "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>");
  const auto converts = [&](const std::string& from, const std::string& ending,
                            const std::string& to) {
    ToolRun tool = bench.tool({"convert", "{in}[0]", "-resize", "10x10", "{out}"});
    tool.input_path = "images/" + from;
    tool.input_extension = ending;
    tool.output_extension = to;
    const ToolReport report = bench.run(tool);
    if (report.end != ToolEnd::finished) CHECK_FALSE(report.error_text.empty());
    return report.end == ToolEnd::finished;
  };

  for (const char* to : {"jpg", "png", "tif", "webp", "gif"})
    CHECK(converts("black.png", "png", to));
  for (const char* to : {"txt", "pdf", "svg"}) CHECK_FALSE(converts("black.png", "png", to));
  CHECK_FALSE(converts("drawing.jpg", "jpg", "png"));
  CHECK_FALSE(converts("drawing.jpg", "svg", "png"));
  for (const char* odd : {"label:@/job/in.bin", "xc:red", "text:/job/in.bin"}) {
    CHECK(bench.run(bench.tool({"convert", odd, "{out}"})).end == ToolEnd::exit_status);
  }
}

TEST_CASE("sandbox: libvips reads no drawing that pretends to be a photograph") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  write_text(bench.disk() / "images/drawing.jpg",
             "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>");
  ToolRun tool = bench.tool({"vipsthumbnail", "{in}", "--size", "9x9", "-o", "{out}"});
  tool.input_path = "images/drawing.jpg";
  tool.input_extension = "jpg";
  tool.output_extension = "png";
  tool.vips_modules = true;
  CHECK(bench.run(tool).end != ToolEnd::finished);
}
