#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "routing/holder_choice.h"
#include "routing/same_work.h"

namespace pixmesh {

// Messages between a router and the holders of an image.

struct ProbeLoad {
  OperationId operation;
  RequestId request;
  std::string recipe;
  Digest recipe_digest;
  std::uint64_t pixels = 0;  // of the image, by its record; 0: not known
  Digest work;               // the same for requests that are to meet; zero: it meets none
  bool arbiter = false;      // keep such requests apart
  friend bool operator==(const ProbeLoad&, const ProbeLoad&) = default;
};
struct LoadAnswer {
  OperationId operation;
  bool has_recipe = false;    // with that digest, and its tool is installed
  bool accepts_work = false;  // not draining
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  std::uint32_t announced = 0;  // by others than this request
  std::uint32_t workers = 0;
  std::uint64_t service_micros = 0;  // what the run would take there
  std::uint64_t wait_micros = 0;     // and how long it would wait for its turn
  KnownWork known{};                 // of the probe's work; of an arbiter also:
  NodeId placed_at;                  // another request for it was placed there
  bool claimed = false;              // or is about to be placed anywhere
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
};
using PlacementEffect = std::variant<SendProbe, SendRelease, HolderSilent, Placed, NotPlaced>;

struct RunPlacementOptions {
  Duration probe_timeout = 100ms;
  // With a work: a holder that is only slow may be the one where it goes on.
  Duration work_timeout = 1s;
  Duration late_after = 800ms;  // below claim_patience: others wait no longer for this choice
};

/// Where one request should run: asks the image's live holders for their load and ranks them.
///
///   start ──► probes out ──► all answered, or 100 ms over ──► Placed or NotPlaced
///                            or one keeps or makes the result
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
  /// holder that answered has the recipe, or "… take no new work".
  [[nodiscard]] Effects on_deadline(Instant now);

  /// The asker went away: releases all that were asked. Nothing comes afterwards.
  [[nodiscard]] Effects on_cancel(Instant now);

  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] bool decided() const { return state_ == State::decided; }
  void check_invariants() const;

 private:
  enum class State : std::uint8_t { fresh, asking, decided };
  struct Asked {
    bool has_image = false;
    bool silent = false;  // will not answer any more
    std::optional<LoadAnswer> answer;
  };

  [[nodiscard]] bool all_heard() const;
  [[nodiscard]] Effects decide(Instant now);
  [[nodiscard]] std::vector<Candidate> usable() const;
  [[nodiscard]] std::vector<WorkAnswer> work_answers() const;
  [[nodiscard]] bool place_is_known() const;
  [[nodiscard]] bool is_place(NodeId node, const LoadAnswer& answer) const;
  [[nodiscard]] Error why_not() const;
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
