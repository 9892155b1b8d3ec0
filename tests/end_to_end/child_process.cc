#include "child_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/invariant.h"

extern char** environ;

namespace pixmesh {
namespace {

using Clock = std::chrono::steady_clock;

void connect_stream(const std::filesystem::path& path, int flags, int stream) {
  const char* name = path.empty() ? "/dev/null" : path.c_str();
  const int fd = ::open(name, flags, 0644);
  if (fd < 0 || ::dup2(fd, stream) < 0) ::_exit(127);
  ::close(fd);
}

/// Between fork and exec.
[[noreturn]] void become(const Launch& launch, std::vector<char*>& words,
                         std::vector<char*>& variables) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  connect_stream(launch.input, O_RDONLY, 0);
  connect_stream(launch.output, O_WRONLY | O_CREAT | O_APPEND, 1);
  connect_stream(launch.errors, O_WRONLY | O_CREAT | O_APPEND, 2);
  if (!launch.folder.empty() && ::chdir(launch.folder.c_str()) != 0) ::_exit(127);
  ::execvpe(words.front(), words.data(), variables.data());
  ::_exit(127);
}

std::vector<char*> variables_of(const Launch& launch) {
  std::vector<char*> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("PIXMESH_")) variables.push_back(*entry);
  }
  for (const std::string& more : launch.variables) {
    variables.push_back(const_cast<char*>(more.c_str()));
  }
  variables.push_back(nullptr);
  return variables;
}

}  // namespace

ChildProcess::ChildProcess(const Launch& launch) {
  std::vector<char*> words;
  for (const std::string& word : launch.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::vector<char*> variables = variables_of(launch);
  pid_ = ::fork();
  invariant(pid_ >= 0, "a test may start processes");
  if (pid_ == 0) become(launch, words, variables);
  watch_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  invariant(watch_ >= 0, "the kernel can watch a process by a descriptor");
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      watch_(std::exchange(other.watch_, -1)),
      ended_(std::exchange(other.ended_, std::nullopt)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
    watch_ = std::exchange(other.watch_, -1);
    ended_ = std::exchange(other.ended_, std::nullopt);
  }
  return *this;
}

ChildProcess::~ChildProcess() { end(); }

void ChildProcess::end() {
  if (pid_ < 0) return;
  signal(SIGKILL);
  (void)wait(10s);
  ::close(watch_);
  pid_ = -1;
}

void ChildProcess::signal(int number) const {
  if (!ended_) ::kill(pid_, number);
}

std::optional<int> ChildProcess::wait(Duration limit) {
  if (ended_) return ended_;
  pollfd watched{watch_, POLLIN, 0};
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  if (::poll(&watched, 1, static_cast<int>(milliseconds)) <= 0) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended_;
}

ProcessAnswer run_to_end(Launch launch, const std::filesystem::path& scratch, Duration limit) {
  static std::atomic<int> count = 0;  // some tests ask from several threads
  const std::string stem = "answer-" + std::to_string(++count);
  launch.output = scratch / (stem + ".out");
  launch.errors = scratch / (stem + ".err");
  const auto started = Clock::now();
  ChildProcess child(launch);
  const std::optional<int> exit = child.wait(limit);
  ProcessAnswer answer;
  answer.took = Clock::now() - started;
  answer.exit = exit.value_or(-1);
  answer.out = text_of_file(launch.output);
  answer.err = text_of_file(launch.errors);
  if (!exit) answer.err += "(stopped by the test: it ran longer than it may)\n";
  std::filesystem::remove(launch.output);
  std::filesystem::remove(launch.errors);
  return answer;
}

std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  REQUIRE_MESSAGE(file.good(), path.string());
}

bool becomes_true(Duration limit, const std::function<bool()>& question) {
  const auto until = Clock::now() + limit;
  while (!question()) {
    if (Clock::now() >= until) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

std::uint64_t process_fact(pid_t process, const std::string& key) {
  std::ifstream lines("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + ":")) return std::stoull(line.substr(key.size() + 1));
  }
  return 0;
}

std::vector<pid_t> children_of(pid_t process) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t other = std::stoi(name);
    if (process_fact(other, "PPid") == static_cast<std::uint64_t>(process)) {
      children.push_back(other);
    }
  }
  return children;
}

double seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

}  // namespace pixmesh
