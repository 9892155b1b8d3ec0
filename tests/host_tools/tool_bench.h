#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/events.h"
#include "host/tools/process_executor.h"

namespace pixmesh {

/// A folder of its own for one test, removed at its end.
class TestFolder {
 public:
  TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Keeps what host threads post, for a test that waits for it.
class CollectedReports final : public EventSink {
 public:
  void post(HostEvent event) override;
  /// The next report; fails the test after 60 s.
  [[nodiscard]] ToolReport next();
  [[nodiscard]] std::size_t count();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ToolReport> reports_;
};

/// An executor over one disk that holds one stored file, "images/stored.bin": "stored bytes".
class ToolBench {
 public:
  /// Without a sandbox around its tools.
  ToolBench() : ToolBench(std::nullopt) {}
  /// @param native     its scratch folder is the bench's
  /// @param tool_path  empty: the usual one
  explicit ToolBench(std::optional<Sandbox> sandbox, NativeWorkersOptions native = {},
                     const std::string& tool_path = {},
                     std::optional<MemoryGroups> memory_groups = {});

  /// A run with the given command line and limits a test can wait for.
  [[nodiscard]] ToolRun tool(std::vector<std::string> argv) const;
  /// The same for a line of shell; `$in` and `$out` are the paths.
  [[nodiscard]] ToolRun shell(const std::string& line) const;

  [[nodiscard]] ToolReport run(const ToolRun& tool);
  /// Only starts it. @returns its number.
  RunId begin(const ToolRun& tool);
  [[nodiscard]] ProcessExecutor& executor() { return *executor_; }
  [[nodiscard]] CollectedReports& reports() { return reports_; }
  [[nodiscard]] std::filesystem::path disk() const { return folder_.path() / "disk"; }
  [[nodiscard]] std::filesystem::path scratch() const { return folder_.path() / "scratch"; }
  void close() { executor_.reset(); }

 private:
  TestFolder folder_;
  CollectedReports reports_;
  std::unique_ptr<ProcessExecutor> executor_;
  std::uint64_t next_run_ = 1;
};

/// A sandbox, or none where the machine lets none work; that is said once, plainly.
[[nodiscard]] std::optional<Sandbox> sandbox_if_it_works();

/// Whether it is true within ten seconds.
[[nodiscard]] bool comes_true_soon(const std::function<bool()>& condition);
/// How many processes that still run have this in their command line.
[[nodiscard]] std::size_t processes_with(const std::string& mark);
/// Whether one has it soon: within ten seconds.
[[nodiscard]] bool one_begins_soon(const std::string& mark);
/// Whether none has it soon: within a second.
[[nodiscard]] bool all_end_soon(const std::string& mark);

[[nodiscard]] std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, std::string_view text);
/// Waits until the file has a line in it: up to 30 s.
[[nodiscard]] std::string wait_for_line(const std::filesystem::path& file);
/// Whether the process is gone, or ended and only waits for its parent; waits up to 10 s for it.
[[nodiscard]] bool ends(int process);

}  // namespace pixmesh
