#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "processing/job.h"

namespace pixmesh {

struct WaitingJob {
  Job job;
  Instant since;
  std::uint64_t micros = 0;     // it is expected to run
  std::uint32_t overtaken = 0;  // by so many that needed less memory
};

/// Jobs that wait, in the order in which they should start.
///
/// Each client has a queue of its own and a start tag: what it was given so far, in microseconds of
/// predicted work. The client with the lowest tag is next, and its tag grows by the work of the job
/// it gets. A client that comes anew starts at the virtual time, which goes on by the share that
/// each waiting client would have had of the work: who was away has saved nothing, and who poured
/// in a hundred jobs waits behind himself alone.
///
/// A job at the head that needs more memory than is free keeps its place: at most `overtakes_max`
/// jobs that fit start before it, then none until it fits.
///
/// Source: start-time fair queueing (Goyal, Vin, Cheng 1996), in integers; the virtual time does
/// not stand still while new clients come without end, so that old ones get their turn.
/// Costs O(clients) for the next job, O(jobs) when memory is short.
class FairQueue {
 public:
  static constexpr std::uint32_t overtakes_max = 8;

  void add(Instant now, Job job, std::uint64_t micros);

  struct Turn {
    std::optional<WaitingJob> job;  // it is no longer here, and its client is charged
    bool blocked = false;           // some wait, but the first needs memory that is not there
  };
  [[nodiscard]] Turn next(const MemoryTokens& memory, bool newest_first);

  /// Takes out a job that is not to be run. None: it is not here.
  [[nodiscard]] std::optional<Job> remove(RunId run);
  /// Takes out all jobs of which `is_stale` is true.
  [[nodiscard]] std::vector<Job> remove_if(const std::function<bool(const Job&)>& is_stale);

  void change_each(const std::function<void(Job&)>& change);
  void for_each(const std::function<void(const WaitingJob&)>& visit) const;
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void check_invariants() const;

 private:
  struct Client {
    std::deque<WaitingJob> jobs;  // in the order in which they came
    std::uint64_t start = 0;
  };
  struct Place {
    std::uint64_t client;
    std::size_t index;
  };
  [[nodiscard]] std::vector<std::uint64_t> clients_in_turn() const;
  [[nodiscard]] std::optional<Place> place_of(RunId run) const;
  [[nodiscard]] Place head(const std::vector<std::uint64_t>& turn, bool newest_first) const;
  [[nodiscard]] std::optional<Place> first_that_fits(const std::vector<std::uint64_t>& turn,
                                                     const MemoryTokens& memory,
                                                     bool newest_first) const;
  [[nodiscard]] WaitingJob take(const Place& place);
  [[nodiscard]] WaitingJob charge(const Place& place);
  void forget_settled();

  std::map<std::uint64_t, Client> clients_;  // those that wait, and those ahead of the time
  std::uint64_t virtual_time_ = 0;
  std::size_t size_ = 0;
  std::optional<RunId> waits_for_memory_;
};

}  // namespace pixmesh
