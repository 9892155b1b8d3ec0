#include "host/tools/tool_process.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "host/system/file_handle.h"

namespace pixmesh {
namespace {

/// `{in}` and `{out}` become paths; nothing that was put in is looked at again.
std::string with_paths(std::string_view argument, const ToolFolder& folder) {
  std::string text;
  while (!argument.empty()) {
    const bool input = argument.starts_with("{in}");
    const bool output = argument.starts_with("{out}");
    if (input) text += folder.input.string();
    if (output) text += folder.output.string();
    if (!input && !output) text += argument.front();
    argument.remove_prefix(input ? 4 : output ? 5 : 1);
  }
  return text;
}

std::vector<std::string> environment_of(const ToolRun& tool, const ToolFolder& folder,
                                        std::string_view tool_path) {
  std::vector<std::string> environment{"PATH=" + std::string(tool_path),
                                       "HOME=" + folder.folder.string(),
                                       "TMPDIR=" + folder.folder.string(),
                                       "LANG=C.UTF-8",
                                       "VIPS_CONCURRENCY=1",
                                       "VIPS_BLOCK_UNTRUSTED=1",
                                       "MAGICK_THREAD_LIMIT=1",
                                       "OMP_NUM_THREADS=1"};
  // libvips looks for its plug-ins below its home. Loading them (poppler, ImageMagick, libheif …)
  // is a third of its start, and what is not loaded no hostile image reaches.
  if (!tool.vips_modules) environment.emplace_back("VIPSHOME=/nonexistent");
  return environment;
}

Result<FileHandle> open_input(const ToolRun& tool, const ToolFolder& folder) {
  return FileHandle::open(tool.input_on_stdin ? folder.input : "/dev/null", O_RDONLY);
}

Result<FileHandle> open_output(const ToolRun& tool, const ToolFolder& folder) {
  if (!tool.output_on_stdout) return FileHandle::open("/dev/null", O_WRONLY);
  return FileHandle::open(folder.output, O_WRONLY | O_CREAT | O_EXCL);
}

ProcessStart start_of(const ToolRun& tool, const std::string& program, const ToolFolder& folder,
                      std::string_view tool_path) {
  ProcessStart how;
  how.program = program;
  for (const std::string& argument : tool.argv) {
    how.argv.push_back(with_paths(argument, folder));
  }
  how.environment = environment_of(tool, folder, tool_path);
  how.folder = folder.folder;
  how.limits = tool.limits;
  return how;
}

bool mentions(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(
      words, [text](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

bool speaks_of_memory(std::string_view text) {
  return mentions(text, {"out of memory", "Out of memory", "Cannot allocate memory", "bad_alloc",
                         "MemoryError", "emory allocation failed", "emory exhausted",
                         "failed to allocate", "unable to allocate", "cache resources exhausted"});
}

ToolEnd end_of_signal(int number, const ToolSigns& signs, const ToolLimits& limits) {
  if (number == SIGKILL && signs.stopped) return *signs.stopped;
  if (number == SIGXCPU) return ToolEnd::cpu_limit;
  if (number == SIGXFSZ) return ToolEnd::output_limit;
  if (number == SIGKILL && signs.cpu >= limits.cpu) return ToolEnd::cpu_limit;
  return speaks_of_memory(signs.error_text) ? ToolEnd::memory_limit : ToolEnd::killed;
}

}  // namespace

ToolEnd tool_end_of(const ToolSigns& signs, const ToolLimits& limits) {
  if (signs.stopped == ToolEnd::cancelled) return ToolEnd::cancelled;
  if (WIFSIGNALED(signs.wait_status)) {
    return end_of_signal(WTERMSIG(signs.wait_status), signs, limits);
  }
  const std::uint64_t size = signs.output_size.value_or(0);
  if (size > limits.output_bytes) return ToolEnd::output_limit;
  if (WEXITSTATUS(signs.wait_status) == 0) {
    return size == 0 ? ToolEnd::no_output : ToolEnd::finished;
  }
  if (mentions(signs.error_text, {"File too large"})) return ToolEnd::output_limit;
  return speaks_of_memory(signs.error_text) ? ToolEnd::memory_limit : ToolEnd::exit_status;
}

Result<ToolProcess> ToolProcess::start(const ToolRun& tool, const std::string& program,
                                       ToolFolder folder, std::string_view tool_path, Instant now) {
  const Result<FileHandle> input = open_input(tool, folder);
  if (!input) return input.error();
  const Result<FileHandle> output = open_output(tool, folder);
  if (!output) return output.error();
  Result<ErrorPipe> errors = ErrorPipe::open();
  if (!errors) return errors.error();

  ProcessStart how = start_of(tool, program, folder, tool_path);
  how.standard_input = input.value().descriptor();
  how.standard_output = output.value().descriptor();
  how.standard_error = errors.value().writing();
  Result<ProcessGroup> group = ProcessGroup::start(how);
  if (!group) return group.error();
  ErrorPipe pipe = std::move(errors).value();
  pipe.close_writing();
  return ToolProcess(tool, std::move(folder), std::move(group).value(), std::move(pipe), now);
}

ToolProcess::ToolProcess(const ToolRun& tool, ToolFolder folder, ProcessGroup group,
                         ErrorPipe errors, Instant started)
    : run_(tool.run),
      limits_(tool.limits),
      folder_(std::move(folder)),
      group_(std::move(group)),
      errors_(std::move(errors)),
      started_(started) {}

void ToolProcess::stop(ToolEnd why) {
  if (!stopped_ || why == ToolEnd::cancelled) stopped_ = why;
  group_.kill();
}

ToolReport ToolProcess::finish(Instant now) {
  const ProcessEnd end = group_.reap();
  read_errors();
  const std::optional<std::uint64_t> size = output_size_of(folder_.output);
  ToolReport report;
  report.run = run_;
  report.end = tool_end_of({end.wait_status, stopped_, end.cpu, size, errors_.text()}, limits_);
  report.exit_status =
      WIFSIGNALED(end.wait_status) ? WTERMSIG(end.wait_status) : WEXITSTATUS(end.wait_status);
  report.error_text = errors_.take_text();
  report.output_path = folder_.output;
  report.output_size = size.value_or(0);
  report.wall = now - started_;
  report.cpu = end.cpu;
  report.memory_bytes = end.memory_bytes;
  return report;
}

}  // namespace pixmesh
