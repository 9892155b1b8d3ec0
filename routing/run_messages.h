#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/disk.h"
#include "base/ids.h"
#include "base/result.h"

// A client's wish to have an image processed. Any node finds the holders and ranks them; the client
// then starts the run at the best one itself, so that the result needs no way back through a third.
namespace pixmesh {

inline constexpr std::size_t chain_steps_max = 8;

struct RunArgument {
  std::string key;
  std::string value;
  friend bool operator==(const RunArgument&, const RunArgument&) = default;
};

/// What follows on one node on what the recipe before it made: `thumbnail | sharpen`.
struct RunStep {
  std::string recipe;
  std::vector<RunArgument> arguments;
  Digest recipe_digest;  // as the router knows it; what starts it must be the same
  friend bool operator==(const RunStep&, const RunStep&) = default;
};

struct RunRequest {  // where should this run?
  OperationId operation;
  RequestId request;
  std::string name;
  std::string recipe;
  std::vector<RunArgument> arguments;
  bool strict = false;
  bool batch = false;                  // others may go first: nobody looks at the screen for it
  std::uint32_t deadline_ms = 60'000;  // of all of it, from now
  bool force = false;                  // make it anew, whatever is kept or going on
  std::vector<RunStep> then{};         // at most chain_steps_max - 1
  bool start_kept = false;             // begin at once, for this operation, where it is kept
};
struct RunCandidate {
  NodeId node;
  std::string control;  // host:port
  std::string bulk;
  std::uint64_t score_micros = 0;   // what they are ordered by: wait + its share of the run
  std::uint64_t wait_micros = 0;    // expected until its turn
  std::uint64_t run_micros = 0;     // expected of the tool
  std::uint64_t memory_bytes = 0;   // counted for it there
  std::uint64_t memory_free = 0;    // of what the node gives its tools
  std::uint64_t bytes_to_move = 0;  // of the image, before it can run there; 0: a holder
  // The score is wait_micros + run_micros / workers + moving_micros, and in a burst the share of
  // runs that are being placed there at the same time (`rank_holders`).
  std::uint32_t workers = 0;        // that share what waits there; 0: not told
  std::uint64_t moving_micros = 0;  // expected of moving those bytes
};
/// The stored bytes a run works on.
struct RunInput {
  PartitionId partition;
  Digest digest;
  std::uint64_t size = 0;
  MediaFacts media;
  std::vector<std::uint64_t> checksums;
  std::vector<NodeId> sources;  // holders of this version: any other node borrows it from them
  std::string name;             // under which it was asked for; "" of an asker that does not say it
};
struct RunCandidates {
  OperationId operation;
  ErrorCode code{};
  std::string detail;
  bool confirmed = true;
  RunInput input;
  Digest recipe_digest;
  std::vector<RunCandidate> candidates;  // best first
  std::vector<std::string> argv;         // as it will be run, `{in}` and `{out}` in place; a `|`
                                         // stands before each further step
  std::uint32_t retry_after_ms = 0;
  std::vector<RunStep> then{};  // those of the request, with their digests
  bool started = false;         // the node that says this has its result kept: RunDone follows
  // That hold no copy and were asked for help, but would be done no sooner than the best holder.
  std::vector<RunCandidate> lost{};
  std::string choices{};  // what was chosen, as of way_of: by it nodes tell what such runs take
};

struct RunStart {  // to a candidate
  OperationId operation;
  RequestId request;
  RunInput input;
  std::string recipe;
  Digest recipe_digest;
  std::vector<RunArgument> arguments;
  std::uint32_t deadline_ms = 60'000;  // from now; then it is killed
  bool batch = false;
  std::uint64_t client = 0;  // for whom; the same in all of one's processes; 0: this link's
  bool force = false;
  std::vector<RunStep> then{};
};
struct RunAccepted {
  OperationId operation;
  std::uint32_t position = 0;  // jobs in front of it; 0: it runs
};
enum class ResultOrigin : std::uint8_t {
  made = 0,    // for this request
  joined = 1,  // for another one that was first
  kept = 2,    // earlier; the times are those of then
};
/// The end of a run: refused, failed, or ready to be fetched with a StreamOpen that names the
/// request. A small result comes along.
struct RunDone {
  OperationId operation;
  ErrorCode code{};
  std::string detail;  // the tool's stderr when it failed
  std::uint64_t output_size = 0;
  std::string extension;
  std::uint64_t queued_micros = 0;
  std::uint64_t wall_micros = 0;
  std::uint64_t cpu_micros = 0;
  std::uint32_t retry_after_ms = 0;  // with `overloaded`
  std::uint64_t memory_bytes = 0;    // the most that was resident; 0: not known
  std::uint64_t verify_micros = 0;   // for the check of the input, behind the queue
  ResultOrigin origin{};
  Digest key;                        // under which the result is kept; zero: under none
  Digest fingerprint;                // of the tool and its libraries; zero: not known
  NodeId made_by;                    // where the tool ran; zero: nowhere
  std::uint64_t made_at_micros = 0;  // since 1970, by that node's clock
  Bytes output{};                    // all of it, if it has at most `small_result_bytes`
};
struct RunAlive {  // the asker still waits; said every `run_alive_every` (base/limits.h)
  RequestId request;
};
struct RunCancel {  // the asker does not wait any more, or has its result
  RequestId request;
};

using RunMessage =
    std::variant<RunRequest, RunCandidates, RunStart, RunAccepted, RunDone, RunAlive, RunCancel>;

}  // namespace pixmesh
