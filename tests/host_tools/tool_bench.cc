#include "tool_bench.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

/// Polls because the thing waited for is another process, which tells nobody.
template <typename Condition>
bool comes_true(std::chrono::seconds patience, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

bool has_ended(int process) {
  const std::string facts = read_text("/proc/" + std::to_string(process) + "/stat");
  const std::size_t end = facts.rfind(") ");
  return end == std::string::npos || facts[end + 2] == 'Z' || facts[end + 2] == 'X';
}

}  // namespace

TestFolder::TestFolder() {
  std::string name = (fs::temp_directory_path() / "pixmesh-tools-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void CollectedReports::post(HostEvent event) {
  const std::scoped_lock lock(mutex_);
  reports_.push_back(std::get<ToolEnded>(event).report);
  changed_.notify_all();
}

ToolReport CollectedReports::next() {
  std::unique_lock lock(mutex_);
  const bool came =
      changed_.wait_for(lock, std::chrono::seconds(60), [this] { return !reports_.empty(); });
  REQUIRE_MESSAGE(came, "every run is reported");
  ToolReport report = reports_.front();
  reports_.pop_front();
  return report;
}

std::size_t CollectedReports::count() {
  const std::scoped_lock lock(mutex_);
  return reports_.size();
}

ToolBench::ToolBench(std::optional<Sandbox> sandbox, NativeWorkersOptions native,
                     const std::string& tool_path, std::optional<MemoryGroups> memory_groups) {
  write_text(disk() / "images/stored.bin", "stored bytes");
  ProcessExecutorOptions options;
  options.disks = {disk()};
  options.scratch = scratch();
  options.sandbox = std::move(sandbox);
  options.memory_groups = std::move(memory_groups);
  options.native = std::move(native);
  if (!tool_path.empty()) options.tool_path = tool_path;
  auto opened = ProcessExecutor::open(std::move(options), reports_);
  REQUIRE(opened.has_value());
  executor_ = std::move(opened).value();
}

ToolRun ToolBench::tool(std::vector<std::string> argv) const {
  ToolRun tool;
  tool.argv = std::move(argv);
  tool.input_path = "images/stored.bin";
  tool.input_extension = "bin";
  tool.output_extension = "txt";
  tool.limits.wall = 30s;
  return tool;
}

ToolRun ToolBench::shell(const std::string& line) const {
  return tool({"sh", "-c", "in=\"$1\"; out=\"$2\"; " + line, "sh", "{in}", "{out}"});
}

RunId ToolBench::begin(const ToolRun& tool) {
  ToolRun numbered = tool;
  numbered.run = RunId{next_run_++};
  executor_->run(numbered);
  return numbered.run;
}

ToolReport ToolBench::run(const ToolRun& tool) {
  const RunId run = begin(tool);
  ToolReport report = reports_.next();
  CHECK(report.run == run);
  return report;
}

std::optional<Sandbox> sandbox_if_it_works() {
  static const Result<Sandbox> sandbox = Sandbox::open({});
  static const bool told = [] {
    if (sandbox) return true;
    std::printf("NOT TESTED, what needs a sandbox: %s\n", sandbox.error().detail.c_str());
    return true;
  }();
  (void)told;
  return sandbox ? std::optional(sandbox.value()) : std::nullopt;
}

std::size_t processes_with(const std::string& mark) {
  std::size_t count = 0;
  std::error_code gone;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", gone)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (read_text(entry.path() / "cmdline").find(mark) == std::string::npos) continue;
    if (!has_ended(std::stoi(name))) ++count;
  }
  return count;
}

bool comes_true_soon(const std::function<bool()>& condition) {
  return comes_true(std::chrono::seconds(10), condition);
}

bool one_begins_soon(const std::string& mark) {
  return comes_true_soon([&] { return processes_with(mark) == 1; });
}

bool all_end_soon(const std::string& mark) {
  return comes_true(std::chrono::seconds(1), [&] { return processes_with(mark) == 0; });
}

std::string read_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void write_text(const fs::path& file, std::string_view text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

std::string wait_for_line(const fs::path& file) {
  std::string text;
  const bool came = comes_true(std::chrono::seconds(30), [&] {
    text = read_text(file);
    return text.find('\n') != std::string::npos;
  });
  REQUIRE_MESSAGE(came, "the tool writes a line");
  return text;
}

bool ends(int process) {
  return comes_true(std::chrono::seconds(10), [process] { return has_ended(process); });
}

}  // namespace pixmesh
