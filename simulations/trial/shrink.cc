#include "simulations/trial/shrink.h"

#include <algorithm>

#include "simulations/trial/forked_trial.h"

namespace pixmesh {
namespace {

constexpr Duration quiet_at_the_end = 1s;

class Shrinking {
 public:
  Shrinking(Scenario scenario, std::string promise, std::uint32_t tries_max,
            const std::function<void(const Scenario&)>& told)
      : best_(std::move(scenario)), promise_(std::move(promise)), left_(tries_max), told_(told) {}

  Scenario run() {
    std::size_t before = 0;
    do {
      before = size();
      drop_events();
      drop_nodes();
      shorten();
    } while (left_ > 0 && size() < before);
    return best_;
  }

 private:
  [[nodiscard]] std::size_t size() const { return best_.events.size() + best_.nodes.size(); }

  // Takes `candidate` over if it still breaks the promise.
  bool try_out(const Scenario& candidate) {
    if (left_ == 0) return false;
    --left_;
    const TrialResult result = run_forked(candidate);
    if (!result.finding || result.finding->promise != promise_) return false;
    best_ = candidate;
    told_(best_);
    return true;
  }

  void drop_events() {
    for (std::size_t piece = std::max<std::size_t>(1, best_.events.size() / 2); piece > 0;
         piece /= 2) {
      for (std::size_t at = 0; at < best_.events.size() && left_ > 0;) {
        Scenario candidate = best_;
        const auto begin = candidate.events.begin() + static_cast<long>(at);
        const auto count = std::min(piece, candidate.events.size() - at);
        candidate.events.erase(begin, begin + static_cast<long>(count));
        if (!try_out(candidate)) at += piece;
      }
    }
  }

  void drop_nodes() {
    while (best_.nodes.size() > 1) {
      Scenario candidate = best_;
      candidate.nodes.pop_back();
      if (!try_out(candidate)) return;
    }
  }

  void shorten() {
    Scenario candidate = best_;
    const Duration last = best_.events.empty() ? Duration{} : best_.events.back().at;
    candidate.safety = std::min(candidate.safety, last + quiet_at_the_end);
    if (candidate.safety < best_.safety) (void)try_out(candidate);
  }

  Scenario best_;
  std::string promise_;
  std::uint32_t left_;
  const std::function<void(const Scenario&)>& told_;
};

}  // namespace

Scenario shrink(Scenario scenario, const std::string& promise, std::uint32_t tries_max,
                const std::function<void(const Scenario&)>& told) {
  return Shrinking(std::move(scenario), promise, tries_max, told).run();
}

}  // namespace pixmesh
