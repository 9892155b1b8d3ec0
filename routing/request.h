#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "routing/holder_choice.h"
#include "routing/run_messages.h"
#include "routing/same_work.h"

namespace pixmesh {

// Messages between a router and the holders of an image.

struct ProbeLoad {
  OperationId operation;
  RequestId request;
  std::string recipe;
  Digest recipe_digest;
  std::uint64_t pixels = 0;       // of the image, by its record; 0: not known
  bool batch = false;             // as in RunRequest
  std::uint32_t deadline_ms = 0;  // from now; 0: none
  Digest work;                    // the same for requests that are to meet; zero: it meets none
  bool arbiter = false;           // keep such requests apart
  Digest image;                   // a node that is no holder may have borrowed it
  std::string way{};              // of the recipe, as of Work; empty: not known
  std::uint64_t memory_most = 0;  // the largest limit of its steps; 0: that of the recipe
  std::vector<RunStep> then{};    // of a chain, without arguments
  friend bool operator==(const ProbeLoad&, const ProbeLoad&) = default;
};
struct LoadAnswer {
  OperationId operation;
  bool has_recipe = false;    // all of the chain, with those digests, and their tools
  bool accepts_work = false;  // not draining
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  std::uint32_t announced = 0;  // by others than this request
  std::uint32_t workers = 0;
  std::uint64_t service_micros = 0;  // what the run would take there
  std::uint64_t wait_micros = 0;     // and how long it would wait for its turn
  std::uint64_t memory_bytes = 0;    // counted for such a run there
  std::uint64_t memory_free = 0;     // of what it gives its tools; 0 too where it is not counted
  std::uint32_t retry_after_ms = 0;  // a start would be refused now; 0: it would not
  bool too_large = false;            // it needs more memory than the node gives all its tools
  KnownWork known{};                 // of the probe's work; of an arbiter also:
  NodeId placed_at;                  // another request for it was placed there
  bool claimed = false;              // or is about to be placed anywhere
  bool has_image = false;            // borrowed: it need not be moved
  friend bool operator==(const LoadAnswer&, const LoadAnswer&) = default;
};
struct ReleaseLoad {  // the probed request went elsewhere
  RequestId request;
  NodeId placed_at;  // where it goes, with a work; zero: nowhere
  friend bool operator==(const ReleaseLoad&, const ReleaseLoad&) = default;
};

// Effects.

struct SendProbe {
  NodeId to;
  ProbeLoad message;
};
struct SendRelease {
  NodeId to;
  ReleaseLoad message;
};
struct HolderSilent {  // for Avoidance::on_unanswered
  NodeId node;
};
struct Placed {  // try them in this order; the last effect of a placement
  std::vector<Candidate> candidates;
};
struct NotPlaced {  // or this one
  Error error;
  Duration retry_after{};  // with `overloaded`: the soonest that a holder named; 0: none did
};
using PlacementEffect = std::variant<SendProbe, SendRelease, HolderSilent, Placed, NotPlaced>;

struct RunPlacementOptions {
  Duration probe_timeout = 100ms;
  // With a work: a holder that is only slow may be the one where it goes on.
  Duration work_timeout = 1s;
  Duration late_after = 800ms;  // below claim_patience: others wait no longer for this choice
  // All living holders, those that are avoided for a moment too: routers name the same arbiter
  // though they do not ask the same ones. Empty: those that are asked.
  std::vector<NodeId> living;
  bool in_doubt = false;          // others may name another arbiter: go by the order of the work
  std::vector<NodeId> helpers;    // members that are no holders, to be asked when help is wanted
  std::uint64_t image_bytes = 0;  // that a helper has to be given first
  /// Told the least wait of all holders; none: help is never wanted.
  std::function<bool(Instant, std::uint64_t)> wants_help;
};

/// Where one request should run: asks the image's live holders for their load and ranks them.
///
///   start ──► probes out ──► all answered, or 100 ms over ──► Placed or NotPlaced
///                            or one keeps or makes the result
///                                     └──► help is wanted: helpers are asked too, once ──► …
///
/// A helper is a candidate only where moving the image there, waiting and running take less than
/// waiting and running at the best holder, or where no holder takes the run.
///
/// With a work, 1 s: only then is it certain that the work does not go on at a holder that is slow.
///
/// The best candidate keeps its announcement until `start` reaches it; every other probed holder,
/// silent ones too, is released at once. With a work the arbiter is told where it goes, even if it
/// goes to the arbiter itself. The owner sends `start` to the first candidate, on refusal
/// to the next; a candidate but the first is no longer announced there, which is only less polite.
///
/// Invariants: exactly one of Placed and NotPlaced comes; nothing comes after it.
/// Not thread-safe: one owner calls it.
class RunPlacement {
 public:
  using Effects = std::vector<PlacementEffect>;

  /// @param probe    sent as it is to every holder.
  /// @param holders  the image's live holders, those to be avoided already left out; doubles are
  ///                 asked once. At most replicas_max are asked, the first ones.
  /// @param others   living holders of the partition that may not have the image. With a work they
  ///                 are asked too: all routers are to ask the same ones, and the run may go on
  ///                 there. They are no candidates unless it does.
  RunPlacement(ProbeLoad probe, std::vector<NodeId> holders, RunPlacementOptions options = {},
               const std::vector<NodeId>& others = {});

  /// Asks. NotPlaced at once (unreachable) if there are no holders. Call it once, first.
  [[nodiscard]] Effects start(Instant now);

  /// Answers of another operation, of nodes never asked and second answers are ignored.
  [[nodiscard]] Effects on_answer(Instant now, NodeId from, const LoadAnswer& answer);

  /// The holder is known to be gone, or its link cannot be written to: no answer will come.
  [[nodiscard]] Effects on_unreachable(Instant now, NodeId node);

  /// Decides without the holders that are silent.
  /// NotPlaced is unreachable if nobody answered, else overloaded: "recipe differs on …" when no
  /// holder that answered has the recipe, or "… take no new work", or that their queues are full;
  /// denied if the run needs more memory than any of them gives its tools.
  [[nodiscard]] Effects on_deadline(Instant now);

  /// The asker went away: releases all that were asked. Nothing comes afterwards.
  [[nodiscard]] Effects on_cancel(Instant now);

  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] bool decided() const { return state_ == State::decided; }
  /// What a holder answered; none if it did not.
  [[nodiscard]] const LoadAnswer* load_of(NodeId holder) const;
  /// Helpers that answered, where moving the image, waiting and running takes no less than at the
  /// best holder: no candidates. Best first.
  [[nodiscard]] std::vector<Candidate> lost_helpers() const;
  /// What of the image has to be moved first, if it runs there; 0: nothing.
  [[nodiscard]] std::uint64_t bytes_to_move(NodeId node) const;
  void check_invariants() const;

 private:
  enum class State : std::uint8_t { fresh, asking, decided };
  struct Asked {
    bool has_image = false;
    bool helper = false;
    bool silent = false;  // will not answer any more
    std::optional<LoadAnswer> answer;
  };

  [[nodiscard]] bool all_heard() const;
  [[nodiscard]] Effects decide(Instant now);
  /// None: no helper is to be asked, or they were asked already.
  [[nodiscard]] Effects ask_helpers(Instant now);
  struct Ranked {
    std::vector<Candidate> holders;
    std::vector<Candidate> helpers;  // that pay
    std::vector<Candidate> lost;     // that do not
  };
  [[nodiscard]] Ranked ranked() const;
  [[nodiscard]] std::vector<Candidate> usable() const;
  [[nodiscard]] std::vector<WorkAnswer> work_answers() const;
  [[nodiscard]] bool place_is_known() const;
  [[nodiscard]] bool is_place(NodeId node, const LoadAnswer& answer) const;
  [[nodiscard]] NotPlaced why_not() const;
  void release_all_but(std::optional<NodeId> kept, Effects& effects) const;

  ProbeLoad probe_;
  RunPlacementOptions options_;
  State state_ = State::fresh;
  Instant asked_at_{};
  Instant deadline_{};
  NodeId arbiter_;  // zero: there is no work to meet for
  std::map<NodeId, Asked> asked_;
};

}  // namespace pixmesh
