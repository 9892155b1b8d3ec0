#include "simulations/trial/forked_trial.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "simulations/trial/result_text.h"

namespace pixmesh {
namespace {

[[noreturn]] void play(const Scenario& scenario, int out) {
  ::dup2(out, STDERR_FILENO);
  const std::string text = text_of(run_trial(scenario));
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t count = ::write(out, text.data() + sent, text.size() - sent);
    if (count <= 0) break;
    sent += static_cast<std::size_t>(count);
  }
  ::_exit(0);
}

}  // namespace

ForkedTrial::ForkedTrial(const Scenario& scenario) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) std::abort();
  std::fflush(nullptr);
  process_ = ::fork();
  if (process_ < 0) std::abort();
  if (process_ == 0) {
    ::close(ends[0]);
    play(scenario, ends[1]);
  }
  ::close(ends[1]);
  descriptor_ = ends[0];
}

ForkedTrial::~ForkedTrial() {
  if (descriptor_ >= 0) ::close(descriptor_);
  reap();
}

void ForkedTrial::reap() {
  if (process_ < 0) return;
  rusage usage{};
  int status = 0;
  ::wait4(process_, &status, 0, &usage);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  cpu_ = of(usage.ru_utime) + of(usage.ru_stime);
  process_ = -1;
}

bool ForkedTrial::read_some() {
  std::array<char, 65'536> buffer{};
  const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
  if (count > 0) {
    text_.append(buffer.data(), static_cast<std::size_t>(count));
    return false;
  }
  reap();
  return true;
}

TrialResult ForkedTrial::result() {
  if (auto result = parse_result(text_)) return std::move(result).value();
  TrialResult broken;
  broken.phase = "unknown";
  const std::string last = text_.substr(0, text_.find('\n'));
  broken.finding = Finding{"invariant", last.empty() ? "the process died" : last, {}, {}};
  return broken;
}

TrialResult run_forked(const Scenario& scenario) {
  ForkedTrial trial(scenario);
  while (!trial.read_some()) {
  }
  return trial.result();
}

}  // namespace pixmesh
