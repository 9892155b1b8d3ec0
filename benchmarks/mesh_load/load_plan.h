#pragma once

#include <string>
#include <vector>

#include "client/client.h"

namespace pixmesh {

/// What the words of the command line say.
struct LoadPlan {
  std::vector<Endpoint> nodes;
  std::string prefix;  // of the images; all of them are taken in turn
  std::string recipe = "thumbnail";
  std::vector<RunArgument> arguments;
  double rate = 0;  // runs a second that begin, whatever becomes of them; 0: closed loop
  int threads = 1;  // runs at one time at most
  Duration length = 10s;
  Duration deadline = 60s;
  bool batch = false;
  bool force = false;  // each run is made, whatever is kept or going on
  bool once = false;   // each image `times` times, then the end
  std::size_t times = 1;
  bool health = false;  // no load: questions that have to be answered quickly
};

/// Errors: usage.
[[nodiscard]] Result<LoadPlan> parse_load_plan(const std::vector<std::string>& words);

/// Spans, and what of them is told: "p50 1.2 p99 3.4 max 5.6 ms".
class Spans {
 public:
  void add(Duration span) { spans_.push_back(span); }
  void add(const Spans& other) {
    spans_.insert(spans_.end(), other.spans_.begin(), other.spans_.end());
  }
  [[nodiscard]] std::size_t count() const { return spans_.size(); }
  [[nodiscard]] std::string text();

 private:
  std::vector<Duration> spans_;
};

}  // namespace pixmesh
