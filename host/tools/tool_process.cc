#include "host/tools/tool_process.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

#include "host/tools/pipe.h"

namespace pixmesh {
namespace {

Result<FileHandle> open_input(const ToolRun& tool, const ToolFolder& folder) {
  return FileHandle::open(tool.input_on_stdin ? folder.input : "/dev/null", O_RDONLY);
}

Result<FileHandle> open_output(const ToolRun& tool, const ToolFolder& folder) {
  if (!tool.output_on_stdout) return FileHandle::open("/dev/null", O_WRONLY);
  return FileHandle::open(folder.output, O_WRONLY | O_CREAT | O_EXCL);
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
  if (signs.ran_out_of_memory) return ToolEnd::memory_limit;
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
  // Even if the rest of it went on: what the killed process was to do is missing.
  if (signs.ran_out_of_memory) return ToolEnd::memory_limit;
  const std::uint64_t size = signs.output_size.value_or(0);
  if (size > limits.output_bytes) return ToolEnd::output_limit;
  if (WEXITSTATUS(signs.wait_status) == 0) {
    return size == 0 ? ToolEnd::no_output : ToolEnd::finished;
  }
  if (mentions(signs.error_text, {"File too large"})) return ToolEnd::output_limit;
  return speaks_of_memory(signs.error_text) ? ToolEnd::memory_limit : ToolEnd::exit_status;
}

Result<ToolProcess> ToolProcess::start(ToolPlace& place, const ToolRun& tool,
                                       const std::string& program, ToolFolder folder, Instant now) {
  const Result<FileHandle> input = open_input(tool, folder);
  if (!input) return input.error();
  const Result<FileHandle> output = open_output(tool, folder);
  if (!output) return output.error();
  Result<ErrorPipe> opened_errors = ErrorPipe::open();
  if (!opened_errors) return opened_errors.error();
  Result<Pipe> opened_report = open_pipe();
  if (!opened_report) return opened_report.error();
  Result<ProcessStart> planned = start_of(place, tool, program, folder);
  if (!planned) return planned.error();

  ErrorPipe errors = std::move(opened_errors).value();
  Pipe report = std::move(opened_report).value();
  ProcessStart how = std::move(planned).value();
  how.standard_input = input->descriptor();
  how.standard_output = output->descriptor();
  how.standard_error = errors.writing();
  how.report = report.writing.descriptor();
  const bool quick = place.memory_groups && place.memory_groups->quick();
  std::optional<MemoryGroup> memory = quick ? memory_group_of(place, tool.limits) : std::nullopt;
  if (memory) memory->take_in(how);
  Result<ProcessGroup> group = ProcessGroup::start(how);
  if (!group) return group.error();
  // The other ends close here: when the tool's copies are gone too, the pipes end.
  errors.close_writing();
  return ToolProcess(tool, program, std::move(folder), std::move(memory), std::move(group).value(),
                     std::move(errors), std::move(report.reading), now);
}

ToolProcess::ToolProcess(const ToolRun& tool, std::string program, ToolFolder folder,
                         std::optional<MemoryGroup> memory, ProcessGroup group, ErrorPipe errors,
                         FileHandle report, Instant started)
    : run_(tool.run),
      limits_(tool.limits),
      program_(std::move(program)),
      folder_(std::move(folder)),
      memory_(std::move(memory)),
      group_(std::move(group)),
      errors_(std::move(errors)),
      report_(std::move(report)),
      started_(started) {}

void ToolProcess::stop(ToolEnd why) {
  if (!stopped_ || why == ToolEnd::cancelled) stopped_ = why;
  group_.kill();
}

ToolReport ToolProcess::not_started(const std::optional<LaunchReport>& told) {
  ToolReport report;
  report.run = run_;
  report.end = ToolEnd::not_started;
  report.error_text = "cannot start '" + program_ + "': ";
  if (told) {
    report.error_text +=
        std::string(launch_step_name(told->failed_step)) + ": " + std::strerror(told->error);
  } else {
    report.error_text += errors_.take_text();
  }
  return report;
}

ToolReport ToolProcess::finish(Instant now) {
  const int end = group_.reap();
  read_errors();
  const std::optional<LaunchReport> told = read_launch_report(report_.descriptor());
  const bool ran = told && told->failed_step == LaunchReport::started;
  const bool out_of_memory = memory_ && memory_->kills() > 0;  // the launcher may be among them
  if (!ran && !stopped_ && !out_of_memory) return not_started(told);
  const LaunchReport used = told.value_or(LaunchReport{.wait_status = end});
  const std::optional<std::uint64_t> size = output_size_of(folder_.output);
  ToolReport report;
  report.run = run_;
  report.cpu = std::chrono::microseconds(used.cpu_microseconds);
  report.end = tool_end_of(
      {used.wait_status, stopped_, report.cpu, size, errors_.text(), out_of_memory}, limits_);
  report.exit_status =
      WIFSIGNALED(used.wait_status) ? WTERMSIG(used.wait_status) : WEXITSTATUS(used.wait_status);
  report.error_text = errors_.take_text();
  report.output_path = folder_.output;
  report.output_size = size.value_or(0);
  report.wall = now - started_;
  constexpr std::uint64_t kibibyte = 1'024;
  report.memory_bytes = used.memory_kibibytes * kibibyte;
  return report;
}

}  // namespace pixmesh
