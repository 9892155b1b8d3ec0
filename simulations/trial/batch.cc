#include "simulations/trial/batch.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <memory>
#include <sstream>

#include "simulations/trial/forked_trial.h"

namespace pixmesh {
namespace {

struct Running {
  std::uint64_t seed = 0;
  Scenario scenario;
  std::unique_ptr<ForkedTrial> trial;
};

class Batch {
 public:
  Batch(const BatchPlan& plan, const std::function<void(const BatchFailure&)>& told)
      : plan_(plan), told_(told), next_(plan.first), began_(std::chrono::steady_clock::now()) {}

  BatchResult run() {
    fill();
    while (!running_.empty()) {
      wait();
      fill();
    }
    std::sort(result_.failures.begin(), result_.failures.end(),
              [](const BatchFailure& a, const BatchFailure& b) { return a.seed < b.seed; });
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool more() const {
    if (plan_.last > 0 && next_ > plan_.last) return false;
    if (plan_.until_broken && !result_.failures.empty()) return false;
    return plan_.real_time == Duration{} ||
           std::chrono::steady_clock::now() - began_ < plan_.real_time;
  }

  void fill() {
    while (running_.size() < plan_.processes && more()) {
      Running& added = running_.emplace_back();
      added.seed = next_++;
      added.scenario = draw_scenario(added.seed, plan_.wishes);
      added.trial = std::make_unique<ForkedTrial>(added.scenario);
    }
  }

  void wait() {
    std::vector<pollfd> waiting;
    for (const Running& one : running_) waiting.push_back({one.trial->descriptor(), POLLIN, 0});
    (void)::poll(waiting.data(), waiting.size(), -1);
    std::size_t i = 0;
    for (auto one = running_.begin(); one != running_.end(); ++i) {
      if (waiting[i].revents != 0 && one->trial->read_some()) {
        add(*one);
        one = running_.erase(one);
      } else {
        ++one;
      }
    }
  }

  void add(const Running& over) {
    const TrialResult result = over.trial->result();
    ++result_.seeds;
    result_.events += result.events;
    result_.acknowledged += result.acknowledged;
    result_.shortfalls += result.shortfalls;
    result_.node_microseconds += result.node_microseconds;
    result_.simulated += result.simulated;
    result_.cpu += over.trial->cpu();
    if (!result.finding) return;
    result_.failures.push_back({over.seed, *result.finding, result.phase});
    told_(result_.failures.back());
  }

  const BatchPlan& plan_;
  const std::function<void(const BatchFailure&)>& told_;
  std::uint64_t next_;
  std::chrono::steady_clock::time_point began_;
  std::list<Running> running_;
  BatchResult result_;
};

}  // namespace

std::map<std::string, std::vector<std::uint64_t>> BatchResult::seeds_by_promise() const {
  std::map<std::string, std::vector<std::uint64_t>> grouped;
  for (const BatchFailure& failure : failures) {
    grouped[failure.finding.promise].push_back(failure.seed);
  }
  return grouped;
}

BatchResult run_batch(const BatchPlan& plan, const std::function<void(const BatchFailure&)>& told) {
  return Batch(plan, told).run();
}

std::string report_of(const BatchResult& result) {
  std::ostringstream text;
  text << result.seeds << " seeds, " << result.failures.size() << " failed\n";
  for (const auto& [promise, seeds] : result.seeds_by_promise()) {
    text << "  " << promise << ": " << seeds.size() << " (";
    for (std::size_t i = 0; i < seeds.size() && i < 10; ++i) text << (i > 0 ? " " : "") << seeds[i];
    text << (seeds.size() > 10 ? " …)\n" : ")\n");
  }
  const auto cpu_ms = std::max<std::int64_t>(1, result.cpu / 1ms);
  const auto seeds = static_cast<std::int64_t>(result.seeds);
  text << result.shortfalls << " drops while fewer than R others had the copy (known, see I7)\n";
  text << result.acknowledged << " acknowledged writes, " << result.events << " events, "
       << result.simulated / 1s << " s of cluster time and "
       << result.node_microseconds / 3'600'000'000ULL << " h of node time in " << cpu_ms / 1'000
       << " CPU seconds\n"
       << seeds * 3'600'000 / cpu_ms << " seeds and " << (result.simulated / 1ms) / cpu_ms
       << " cluster-hours per CPU-hour\n";
  return text.str();
}

}  // namespace pixmesh
