#include "host/tools/shell_processes.h"

#include <utility>

#include "host/tools/tool_folder.h"

namespace pixmesh {

void ShellProcesses::obey(const ShellOrder& order) {
  has_orders_ = true;
  std::visit([this](const auto& one) { carry_out(one); }, order);
}

ShellProcess* ShellProcesses::find(RunId shell) {
  const auto found = shells_.find(shell);
  return found == shells_.end() ? nullptr : &found->second;
}

Result<ShellProcess> ShellProcesses::started(const ShellStart& start) const {
  ToolRun tool;  // what its folder is made by
  tool.run = start.shell;
  tool.input_path = start.input_path;
  tool.input_extension = start.input_extension;
  tool.output_extension = "bin";
  Result<ToolFolder> folder = make_tool_folder(scratch_, folder_of_(start.disk), tool);
  if (!folder) return folder.error();
  return ShellProcess::start(place_, start, std::move(folder).value());
}

void ShellProcesses::carry_out(const ShellStart& start) {
  Result<ShellProcess> process = started(start);
  if (process) {
    shells_.emplace(start.shell, std::move(process).value());
    return;
  }
  remove_tool_folder(scratch_, start.shell);
  not_started_.push_back({start.shell, ShellOver{ToolEnd::not_started, 0, process.error().detail}});
}

void ShellProcesses::carry_out(const FeedShell& order) {
  if (ShellProcess* shell = find(order.shell)) shell->feed(order.piece);
}
void ShellProcesses::carry_out(const EndShellInput& order) {
  if (ShellProcess* shell = find(order.shell)) shell->end_input();
}
void ShellProcesses::carry_out(const AllowShell& order) {
  if (ShellProcess* shell = find(order.shell)) shell->allow(order.pieces);
}
void ShellProcesses::carry_out(const ResizeShell& order) {
  if (const ShellProcess* shell = find(order.shell)) shell->resize(order.rows, order.columns);
}
void ShellProcesses::carry_out(const CloseShell& order) {
  if (ShellProcess* shell = find(order.shell)) shell->stop();
}

void ShellProcesses::watch(std::vector<pollfd>& watched) const {
  for (const auto& [id, shell] : shells_) shell.watch(watched);
}

std::vector<ShellNews> ShellProcesses::serve(std::span<const pollfd> watched) {
  has_orders_ = false;
  std::vector<ShellNews> news = std::exchange(not_started_, {});
  for (auto next = shells_.begin(); next != shells_.end();) {
    const auto current = next++;
    for (ShellNews& one : current->second.serve(watched.first(ShellProcess::watched_count))) {
      news.push_back(std::move(one));
    }
    watched = watched.subspan(ShellProcess::watched_count);
    if (news.empty() || news.back().shell != current->first) continue;
    if (!std::holds_alternative<ShellOver>(news.back().what)) continue;
    remove_tool_folder(scratch_, current->first);
    shells_.erase(current);
  }
  return news;
}

}  // namespace pixmesh
