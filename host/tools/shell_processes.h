#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/shell_host.h"
#include "host/tools/shell_process.h"
#include "host/tools/tool_place.h"

namespace pixmesh {

struct FeedShell {
  RunId shell;
  std::string piece;
};
struct EndShellInput {
  RunId shell;
};
struct AllowShell {
  RunId shell;
  std::uint64_t pieces = 0;
};
struct ResizeShell {
  RunId shell;
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
};
struct CloseShell {
  RunId shell;
};
/// A call of ShellHost, on its way to the thread that has the processes.
using ShellOrder =
    std::variant<ShellStart, FeedShell, EndShellInput, AllowShell, ResizeShell, CloseShell>;

/// All shells of a node, on the thread that has its tools.
class ShellProcesses {
 public:
  using FolderOfDisk = std::function<std::filesystem::path(std::uint32_t disk)>;

  ShellProcesses(ToolPlace& place, std::filesystem::path scratch, FolderOfDisk folder_of)
      : place_(place), scratch_(std::move(scratch)), folder_of_(std::move(folder_of)) {}

  void obey(const ShellOrder& order);
  void watch(std::vector<pollfd>& watched) const;
  /// @param watched  what `watch` added, and perhaps more behind it. @returns all news, in order.
  [[nodiscard]] std::vector<ShellNews> serve(std::span<const pollfd> watched);
  /// Whether `serve` has work although nothing was waited for.
  [[nodiscard]] bool has_orders() const { return has_orders_; }
  [[nodiscard]] std::size_t watched_count() const {
    return shells_.size() * ShellProcess::watched_count;
  }

 private:
  void carry_out(const ShellStart& start);
  void carry_out(const FeedShell& order);
  void carry_out(const EndShellInput& order);
  void carry_out(const AllowShell& order);
  void carry_out(const ResizeShell& order);
  void carry_out(const CloseShell& order);
  [[nodiscard]] Result<ShellProcess> started(const ShellStart& start) const;
  [[nodiscard]] ShellProcess* find(RunId shell);

  ToolPlace& place_;
  std::filesystem::path scratch_;
  FolderOfDisk folder_of_;
  std::map<RunId, ShellProcess> shells_;
  std::vector<ShellNews> not_started_;
  bool has_orders_ = false;  // that were obeyed and not served yet
};

}  // namespace pixmesh
