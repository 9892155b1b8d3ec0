#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace pixmesh {

/// What to start, and where its streams lead. Empty paths: /dev/null.
struct Launch {
  std::vector<std::string> words;  // the program first; looked for in PATH
  std::filesystem::path input;
  std::filesystem::path output;        // appended to
  std::filesystem::path errors;        // appended to
  std::filesystem::path folder;        // where it runs; empty: here
  std::vector<std::string> variables;  // NAME=VALUE, beside those of this process
};

/// A program that runs beside the test. It knows no PIXMESH_… variable of ours, and it dies with
/// this process, or with this object.
class ChildProcess {
 public:
  explicit ChildProcess(const Launch& launch);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running() { return !wait(Duration{}).has_value(); }
  void signal(int number) const;  // nothing once it has ended
  /// @returns its exit code, or 128 and the signal that ended it; none: it runs on after `limit`.
  [[nodiscard]] std::optional<int> wait(Duration limit);

 private:
  void end();

  pid_t pid_ = -1;
  int watch_ = -1;  // readable when it has ended
  std::optional<int> ended_;
};

/// A program's end and all that it said.
struct ProcessAnswer {
  int exit = -1;  // -1: it had to be stopped after its time limit
  std::string out;
  std::string err;
  Duration took{};
};

/// Runs a program to its end. `launch.output` and `launch.errors` are chosen here.
[[nodiscard]] ProcessAnswer run_to_end(Launch launch, const std::filesystem::path& scratch,
                                       Duration limit);

[[nodiscard]] std::string text_of_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, std::string_view text);

/// Asks again every few milliseconds. @returns whether it became true within `limit`.
[[nodiscard]] bool becomes_true(Duration limit, const std::function<bool()>& question);

[[nodiscard]] double seconds(Duration span);  // for people

/// The number after `key` in /proc/PID/status, such as "VmHWM" (KiB) or "PPid"; 0 when gone.
[[nodiscard]] std::uint64_t process_fact(pid_t process, const std::string& key);
[[nodiscard]] std::vector<pid_t> children_of(pid_t process);

}  // namespace pixmesh
