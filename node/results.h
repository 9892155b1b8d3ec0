#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/gone_results.h"
#include "node/options.h"
#include "node/outside.h"
#include "node/post.h"
#include "node/read_result.h"
#include "node/result_names.h"
#include "node/runs.h"
#include "node/small_results.h"
#include "node/work_claims.h"
#include "processing/failed_work.h"
#include "processing/result_cache.h"
#include "processing/result_key.h"

namespace pixmesh {

/// Stands in front of `Runs`, so that the same work is done once.
///
///   RunStart ─┬─ its result is kept ──► the file is read ───► RunDone
///             ├─ it crashes tools ────► RunDone (tool_failed)
///             ├─ it goes on here ─────► joins: RunDone with the others
///             └─ else ────────────────► Runs ──► RunDone to all who joined; the result is kept
///
/// A small result is read before it is told of, and goes along with the RunDone.
///
/// What is done once is a *flight*. For `Runs` it is the run of the request that began it, also
/// when that asker has gone: the flight goes on while anybody waits for it. `Runs` posts through
/// this class, which takes what it says about a flight and tells everybody who waits. A flight ends
/// when its result is kept and fetched.
///
/// A forced request does the work anew: nobody joins it, and its result takes the place of the one
/// that is kept.
class Results : public Post {
 public:
  /// @param runs  posts through this object; used only after both exist.
  Results(const NodeOptions& options, NodeId self, const WallTime& wall, Runs& runs,
          Outside& outside, Post& post);

  void on_probe(Instant now, LinkId from, const ProbeLoad& probe);
  void on_release(Instant now, const ReleaseLoad& release);
  void on_start(Instant now, LinkId from, const RunStart& start, const InputPlace& place);
  void on_alive(Instant now, const RunAlive& alive);
  void on_cancel(Instant now, const RunCancel& cancel);
  /// The connection of askers has ended. If nothing is heard on their link within
  /// `closed_patience`, they are gone.
  void on_link_closed(Instant now, LinkId link);
  /// Whoever is behind this link lives.
  void on_heard(Instant now, LinkId link);
  void on_purge(LinkId from, const PurgeRequest& wish);
  /// The image of this name was deleted: what was made for it goes, whatever it was.
  void on_removed(const std::string& name);
  void on_kept(Instant now, const ResultKept& kept);
  void on_all_found() { gone_.end(); }
  void on_read(Instant now, const ReadResult& result);
  /// Whether the result of this is kept here and may be given.
  [[nodiscard]] bool has(const RunStart& start) const;
  /// Deals with what Runs said since. @returns whether there was anything.
  bool settle(Instant now);
  void on_deadline(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  struct Output {
    std::string path;  // relative to the folder of disk 0
    std::uint64_t size = 0;
    std::vector<std::uint64_t> checksums;  // none: not known yet
  };
  [[nodiscard]] std::optional<Output> output_of(RequestId request) const;

  /// Results to be read; the owner starts a ReadResult for each.
  struct Reading {
    ReadResult::For whom;
    Output output;
  };
  [[nodiscard]] std::vector<Reading> take_readings();
  [[nodiscard]] ResultsStatus status() const;
  void check_invariants() const { cache_.check_invariants(); }

  // What Runs says.
  void to_member(NodeId to, Message message) override;
  void to_link(LinkId to, Message message) override;

 private:
  struct Asker {
    LinkId link;
    OperationId operation;
    Instant until;     // then it is gone, unless it is heard before
    Instant deadline;  // of its wish
  };
  struct Flight {
    Digest key;
    std::optional<Digest> fingerprint;
    RunStart start;  // of the request whose run it is
    LinkId link;     // and where from, for Runs
    InputPlace place;
    Instant deadline;  // of that request
    std::map<RequestId, Asker> askers;
    KnownNames names;                       // of the image, for these and those who have gone
    std::optional<std::uint32_t> position;  // in the queue, once it was accepted
    std::optional<RunDone> done;
    bool reading = false;  // `done` is told of when it has been read
    bool keeping = false;  // the store works on it
    bool is_fresh = true;  // false: what it is made of was purged
  };
  [[nodiscard]] std::vector<Asker*> askers_on(LinkId link);
  struct Hit {
    std::uint64_t number = 0;
    Digest key;
    RunStart start;
    InputPlace place;
    Asker asker;
    Output output;
    RunDone done;
    bool intact = false;
  };
  struct Kept {
    ResultFacts facts;
    KeptBytes bytes;
  };
  using FlightId = std::uint64_t;

  // results.cc: what askers say
  struct Work {
    Digest key;
    Digest early_key;  // of what began before the fingerprint was known
    std::optional<Digest> fingerprint;
  };
  [[nodiscard]] static Work work_with(const Digest& work, const std::optional<Digest>& fingerprint);
  [[nodiscard]] std::optional<Work> work_of_start(const RunStart& start) const;
  [[nodiscard]] bool is_retry(Instant now, LinkId from, const RunStart& start);
  [[nodiscard]] bool is_refused(Instant now, LinkId from, const RunStart& start, const Digest& key);
  [[nodiscard]] bool has_result_by(const Digest& source, const Digest& recipe) const;
  void begin_hit(const Asker& asker, const RunStart& start, const Digest& key,
                 const InputPlace& place);
  void on_hit(Hit& hit, const Bytes& output);
  void end_hit(std::map<RequestId, Hit>::iterator hit);
  void tell_hit(const Hit& hit, const Bytes& output = {});
  void join(FlightId id, const RunStart& start, const Asker& asker);
  void lead(Instant now, LinkId from, const RunStart& start, const Work& work,
            const InputPlace& place, const Asker& asker);
  void part(Instant now, FlightId id, RequestId request);
  [[nodiscard]] KnownWork known(Instant now, const ProbeLoad& probe) const;
  [[nodiscard]] std::optional<FlightId> going_on(const Work& work) const;
  [[nodiscard]] bool is_first_of_work(Instant now, const ProbeLoad& probe);

  // flights.cc: what becomes of a flight
  void on_accepted(FlightId id, const RunAccepted& accepted);
  void on_done(Instant now, FlightId id, RunDone done);
  [[nodiscard]] bool leads_again(Instant now, FlightId id, const RunDone& done);
  void remember_failure(Instant now, const Flight& flight, const RunDone& done,
                        const ToolReport* report);
  [[nodiscard]] std::vector<std::string> command_of(const RunStart& start) const;
  void keep(FlightId id, const ToolReport& report);
  void on_flight_read(Instant now, FlightId id, const Bytes& bytes);
  void tell(const Flight& flight, RequestId request, const Asker& asker, const Bytes& output = {});
  void end_if_over(Instant now, FlightId id);
  void end(Instant now, FlightId id);
  void on_found_late(const ResultKept& kept);
  void drop(const ResultCache::Drops& keys);
  void forget_kept(const Digest& key);
  void erase_kept(const Digest& key);
  void note_names(const Digest& key, const KnownNames& names);

  // purge.cc
  void forget_all(const std::vector<Digest>& keys, PurgeAnswer& sums);
  void do_not_keep(const std::function<bool(const Flight&)>& is_meant);

  NodeId self_;
  const WallTime& wall_;
  Runs& runs_;
  Outside& outside_;
  Post& post_;
  struct Announced {
    RequestId request;
    Instant until;
  };
  Duration announce_time_;
  std::map<Digest, Announced> announced_;  // by work: who is counted in the lanes
  ResultCache cache_;
  FailedWork failed_;
  WorkClaims claims_;
  std::map<Digest, Kept> kept_;               // what cache_ has, …
  ResultNames names_;                         // of those in kept_
  GoneResults gone_;                          // purged before all that lay here was looked through
  SmallResults in_memory_;                    // of those in kept_
  std::map<Digest, std::string> extensions_;  // … and what has a file, though purged and held
  std::map<RequestId, Hit> hits_;
  std::uint64_t last_hit_ = 0;
  std::vector<Reading> readings_;

  FlightId last_flight_ = 0;
  std::map<FlightId, Flight> flights_;
  std::map<Digest, FlightId> joinable_;   // by key
  std::map<Digest, FlightId> keeping_;    // by key
  std::map<RequestId, FlightId> asking_;  // by request
  std::set<LinkId> closed_;               // of askers, and nothing heard since
  std::map<std::pair<LinkId, OperationId>, FlightId> at_runs_;
  std::vector<std::pair<FlightId, Message>> said_;  // by Runs, and not dealt with yet

  const ProbeLoad* probe_ = nullptr;  // that Runs is answering
  Instant now_;
  std::uint64_t hit_count_ = 0;
  std::uint64_t miss_count_ = 0;
  std::uint64_t joined_count_ = 0;
};

}  // namespace pixmesh
