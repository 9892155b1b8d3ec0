#include "host/tools/shell_process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "host/tools/launch_report.h"
#include "host/tools/pipe.h"
#include "host/tools/pseudo_terminal.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr const char* script_inside = "/job/command";

// A shell for people where there is one; it is told its prompt, since it finds no file of its own.
constexpr const char* for_people =
    "PS1='pixmesh:\\w\\$ '; export PS1\n"
    "[ -x /usr/bin/bash ] && exec /usr/bin/bash --norc --noprofile\n"
    "exec /bin/sh\n";

std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

Result<Done> write_script(const fs::path& path, const ShellStart& start) {
  const Result<FileHandle> made = FileHandle::open(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!made) return made.error();
  if (Result<Done> done = write_at(made.value(), bytes_of(shell_script(start)), 0, path); !done) {
    return done;
  }
  // The folder around it is open to the node alone.
  if (::fchmod(made->descriptor(), 0644) == 0) return Done{};
  return system_error(errno, "fchmod", path);
}

Result<ProcessStart> plan(const ToolPlace& place, const ShellStart& start,
                          const ToolFolder& folder) {
  if (!place.sandbox) return Error{ErrorCode::failed, "there is no shell without a sandbox"};
  const fs::path script = folder.folder / "command";
  if (const Result<Done> written = write_script(script, start); !written) return written.error();
  ToolRun tool;
  tool.run = start.shell;
  tool.argv = {"sh", script_inside};
  tool.input_extension = start.input_extension;
  tool.output_on_stdout = true;
  tool.limits = start.limits;
  const Result<std::string> program = program_of(place, tool);
  if (!program) return program.error();
  ToolExtras extras;
  extras.readable.push_back({script, script_inside});
  extras.terminal = start.terminal.has_value();
  if (start.terminal) extras.environment.push_back("TERM=" + start.terminal->name);
  return start_of(place, tool, program.value(), folder, extras);
}

/// What the program gets, and what we keep.
struct Ends {
  FileHandle input, output, errors;  // the program's; errors: none if it is as the output
  FileHandle our_input, our_output, our_errors;
};

Result<Ends> open_terminal(const ShellTerminal& wanted) {
  Result<PseudoTerminal> opened = open_pseudo_terminal(wanted.rows, wanted.columns);
  if (!opened) return opened.error();
  PseudoTerminal terminal = std::move(opened).value();
  Ends ends;
  ends.output = std::move(terminal.theirs);
  ends.our_output = std::move(terminal.ours);
  return ends;
}

Result<Ends> open_pipes() {
  Result<Pipe> input = open_pipe();
  Result<Pipe> output = open_pipe();
  Result<Pipe> errors = open_pipe();
  if (!input || !output || !errors) return Error{ErrorCode::failed, "no pipe can be made"};
  Pipe in = std::move(input).value(), out = std::move(output).value();
  Pipe err = std::move(errors).value();
  // Here we are who writes, and the program reads and may wait.
  ::fcntl(in.reading.descriptor(), F_SETFL, 0);
  ::fcntl(in.writing.descriptor(), F_SETFL, O_NONBLOCK);
  return Ends{std::move(in.reading), std::move(out.writing), std::move(err.writing),
              std::move(in.writing), std::move(out.reading), std::move(err.reading)};
}

}  // namespace

std::string shell_script(const ShellStart& start) {
  const std::string begin = "cd /job\n";
  if (start.words.empty()) return begin + (start.terminal ? for_people : "exec /bin/sh\n");
  std::string line = "exec";
  for (const std::string& word : start.words) line += " " + quoted(word);
  return begin + line + "\n";
}

Result<ShellProcess> ShellProcess::start(ToolPlace& place, const ShellStart& start,
                                         ToolFolder folder) {
  Result<Ends> opened = start.terminal ? open_terminal(*start.terminal) : open_pipes();
  if (!opened) return opened.error();
  Result<Pipe> opened_report = open_pipe();
  if (!opened_report) return opened_report.error();
  Result<ProcessStart> planned = plan(place, start, folder);
  if (!planned) return planned.error();

  Ends ends = std::move(opened).value();
  Pipe report = std::move(opened_report).value();
  ProcessStart how = std::move(planned).value();
  const int both = ends.output.descriptor();
  how.standard_input = ends.input.is_open() ? ends.input.descriptor() : both;
  how.standard_output = both;
  how.standard_error = ends.errors.is_open() ? ends.errors.descriptor() : both;
  how.report = report.writing.descriptor();
  std::optional<MemoryGroup> memory = memory_group_of(place, start.limits);
  if (memory) memory->take_in(how);
  Result<ProcessGroup> group = ProcessGroup::start(how);
  if (!group) return group.error();
  // The program's ends close here: when its copies are gone too, ours end.
  ShellProcess shell(start.shell, std::move(memory), std::move(group).value());
  shell.terminal_ = start.terminal.has_value();
  shell.input_ = std::move(ends.our_input);
  shell.output_ = std::move(ends.our_output);
  shell.errors_ = std::move(ends.our_errors);
  shell.report_ = std::move(report.reading);
  return shell;
}

// An end that has hung up wakes every poll: what is not to be read is not polled.
void ShellProcess::watch(std::vector<pollfd>& watched) const {
  const auto add = [&watched](bool wanted, int descriptor, short events) {
    watched.push_back({wanted ? descriptor : -1, events, 0});
  };
  add(!ended_, group_.descriptor(), POLLIN);
  add(!pieces_.empty(), written_to().descriptor(), POLLOUT);
  add(may_read(), output_.descriptor(), POLLIN);
  add(may_read(), errors_.descriptor(), POLLIN);
}

std::vector<ShellNews> ShellProcess::serve(std::span<const pollfd> watched) {
  std::vector<ShellNews> news;
  if (watched[0].revents != 0 && !ended_) ended_ = group_.reap();
  if (watched[1].revents != 0) write(news);
  if (watched[2].revents != 0) read(output_, false, news);
  if (watched[3].revents != 0) read(errors_, true, news);
  settle_input(news);
  const bool told_all = stopped_ || (!output_.is_open() && !errors_.is_open());
  if (ended_ && told_all) news.push_back({shell_, outcome()});
  return news;
}

void ShellProcess::write(std::vector<ShellNews>& news) {
  while (!pieces_.empty() && written_to().is_open()) {
    std::string& piece = pieces_.front();
    const ssize_t count = ::write(written_to().descriptor(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) input_ = FileHandle();  // of a terminal, reading tells that it has ended
    piece.erase(0, count < 0 ? piece.size() : static_cast<std::size_t>(count));
    if (!piece.empty()) continue;
    pieces_.pop_front();
    news.push_back({shell_, ShellTook{}});
  }
}

void ShellProcess::settle_input(std::vector<ShellNews>& news) {
  while (!pieces_.empty() && (pieces_.front().empty() || !written_to().is_open())) {
    pieces_.pop_front();
    if (!stopped_) news.push_back({shell_, ShellTook{}});
  }
  if (input_ends_ && pieces_.empty()) input_ = FileHandle();
}

void ShellProcess::read(FileHandle& from, bool is_error, std::vector<ShellNews>& news) {
  if (!may_read()) return;
  std::string bytes(shell_piece_bytes_max, '\0');
  std::size_t filled = 0;
  while (filled < bytes.size() && from.is_open()) {
    const ssize_t count = ::read(from.descriptor(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count <= 0) {
      from = FileHandle();  // a terminal says EIO when nobody has it open any more
    } else {
      filled += static_cast<std::size_t>(count);
    }
  }
  if (filled == 0) return;
  bytes.resize(filled);
  ++said_;
  news.push_back({shell_, ShellSaid{std::move(bytes), is_error}});
}

void ShellProcess::resize(std::uint32_t rows, std::uint32_t columns) const {
  if (terminal_ && output_.is_open()) resize_terminal(output_.descriptor(), rows, columns);
}

void ShellProcess::stop() {
  stopped_ = true;
  if (!ended_) group_.kill();
  for (FileHandle* end : {&input_, &output_, &errors_}) *end = FileHandle();
}

ShellOver ShellProcess::outcome() const {
  ShellOver over;
  if (stopped_) {
    over.end = ToolEnd::cancelled;
    return over;
  }
  const std::optional<LaunchReport> told = read_launch_report(report_.descriptor());
  if (!told || told->failed_step != LaunchReport::started) {
    over.end = ToolEnd::not_started;
    over.error_text = "the shell could not be started";
    if (told) {
      over.error_text += std::string(": ") + launch_step_name(told->failed_step) + ": " +
                         std::strerror(told->error);
    }
  } else if (WIFSIGNALED(told->wait_status)) {
    over.exit_status = WTERMSIG(told->wait_status);
    const bool ran_out = memory_ && memory_->kills() > 0;
    over.end = over.exit_status == SIGXCPU ? ToolEnd::cpu_limit
               : ran_out                   ? ToolEnd::memory_limit
                                           : ToolEnd::killed;
  } else {
    over.exit_status = WEXITSTATUS(told->wait_status);
    over.end = over.exit_status == 0 ? ToolEnd::finished : ToolEnd::exit_status;
  }
  return over;
}

}  // namespace pixmesh
