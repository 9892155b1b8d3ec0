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
};

/// What follows on one node on what the recipe before it made: `thumbnail | sharpen`.
struct RunStep {
  std::string recipe;
  std::vector<RunArgument> arguments;
  Digest recipe_digest;  // as the router knows it; what starts it must be the same
};

struct RunRequest {  // where should this run?
  OperationId operation;
  RequestId request;
  std::string name;
  std::string recipe;
  std::vector<RunArgument> arguments;
  bool strict = false;
  std::vector<RunStep> then{};  // at most chain_steps_max - 1
};
struct RunCandidate {
  NodeId node;
  std::string control;  // host:port
  std::string bulk;
  std::uint64_t score_micros = 0;  // expected time until the result is there
};
/// The stored bytes a run works on.
struct RunInput {
  PartitionId partition;
  Digest digest;
  std::uint64_t size = 0;
  MediaFacts media;
  std::vector<std::uint64_t> checksums;
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
};

struct RunStart {  // to a candidate
  OperationId operation;
  RequestId request;
  RunInput input;
  std::string recipe;
  Digest recipe_digest;
  std::vector<RunArgument> arguments;
  std::uint32_t deadline_ms = 60'000;
  std::vector<RunStep> then{};
};
struct RunAccepted {
  OperationId operation;
  std::uint32_t position = 0;  // jobs in front of it; 0: it runs
};
/// The end of a run: refused, failed, or ready to be fetched with a StreamOpen that names the
/// request.
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
};
struct RunAlive {  // the asker still waits; said once a second
  RequestId request;
};
struct RunCancel {  // the asker does not wait any more, or has its result
  RequestId request;
};

using RunMessage =
    std::variant<RunRequest, RunCandidates, RunStart, RunAccepted, RunDone, RunAlive, RunCancel>;

}  // namespace pixmesh
