#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/time.h"
#include "routing/request.h"
#include "routing/run_messages.h"
#include "wire/operator_messages.h"

namespace pixmesh {

struct RunJournalOptions {
  std::size_t bytes_max = 16U << 20;  // roughly; what was asked first is forgotten first
  Duration kept = 24h;
};

/// What this node did about each request, for `why`, and sums of it for `top`.
///
///   as a router  on_routed -> on_located -> on_load of each holder -> on_placed or on_unplaced
///   as a holder  on_started -> on_step … -> on_ended -> on_fetching -> on_left
///
/// Told of every step by RouteRun and Runs; decides nothing. It lies in memory and begins empty at
/// a start; KeptJournal carries it further.
///
/// Invariant: the records weigh at most `bytes_max`, but for the last one. Not thread-safe.
class RunJournal {
 public:
  enum class Step : std::uint8_t {
    started,
    inspected,
    admitted,
    taken_up,
    verified,
    ended,
    fetched
  };

  explicit RunJournal(RunJournalOptions options = {}) : options_(options) {}

  void on_routed(Instant now, const RunRequest& request);
  void on_located(Instant now, RequestId request, const std::vector<NodeId>& holders);
  void on_load(Instant now, RequestId request, NodeId from, const LoadAnswer& load);
  void on_placed(Instant now, RequestId request, const std::vector<Candidate>& candidates);
  void on_unplaced(RequestId request, ErrorCode code, const std::string& detail);

  void on_started(Instant now, const RunStart& start);
  void on_step(Instant now, RequestId request, Step step);
  void on_queued(RequestId request, std::uint32_t position);
  /// @param denied_by  the limit that a run was above, if the code is `denied`
  void on_refused(RequestId request, ErrorCode code, const std::string& detail,
                  std::string_view denied_by = "header");
  /// @param report  of all its steps together.
  void on_ended(Instant now, RequestId request, const ToolReport& report, const RunDone& done);
  /// Its result was kept, or comes from the run of another request.
  void on_shared(Instant now, const RunStart& start, const char* state);
  void on_fetching(Instant now, RequestId request);
  /// The asker has what it wants, or went before.
  void on_left(Instant now, RequestId request);

  /// What is known of a request. @param wall  now, for the times that are told.
  [[nodiscard]] WhyAnswer why(Instant now, WallTime wall, RequestId request) const;
  /// The requests whose records have changed since the last call.
  [[nodiscard]] std::vector<RequestId> take_changed();
  [[nodiscard]] RunStatus status() const;
  [[nodiscard]] std::size_t weight() const { return weight_; }
  [[nodiscard]] std::size_t count() const { return records_.size(); }

 private:
  struct Route {
    Instant at;
    RouteReport report;
    std::optional<Instant> located;
  };
  struct Run {
    std::array<std::optional<Instant>, 7> at;  // by Step
    std::optional<Instant> fetching;
    RunReport report;
  };
  struct Record {
    std::vector<Route> routes;
    std::vector<Run> runs;
    std::size_t weight = 0;
  };
  struct Begun {
    RequestId request;
    Instant at;
  };

  Record& record_of(Instant now, RequestId request);
  [[nodiscard]] Route* route_of(RequestId request);
  [[nodiscard]] Run* run_of(RequestId request);
  void weigh(RequestId request);
  void forget_old(Instant now);
  [[nodiscard]] static RunReport report_of(const Run& run);

  RunJournalOptions options_;
  std::map<RequestId, Record> records_;
  std::deque<Begun> order_;
  std::set<RequestId> changed_;  // of those in records_
  std::size_t weight_ = 0;
  RunStatus sums_;
  std::deque<std::uint64_t> walls_;  // of the last runs that finished, in microseconds
};

/// "thumbnail | sharpen"
[[nodiscard]] std::string chain_text(const std::string& recipe, const std::vector<RunStep>& then);

}  // namespace pixmesh
