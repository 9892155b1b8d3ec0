#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/disk.h"
#include "base/ids.h"
#include "base/result.h"

// A client's wish to have an image processed. Any node finds the holders and ranks them; the client
// then starts the run at the best one itself, so that the result needs no way back through a third.
namespace pixmesh {

struct RunArgument {
  std::string key;
  std::string value;
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
};
/// The stored bytes a run works on.
struct RunInput {
  PartitionId partition;
  Digest digest;
  std::uint64_t size = 0;
  MediaFacts media;
  std::vector<std::uint64_t> checksums;
  std::vector<NodeId> sources;  // holders of this version: any other node borrows it from them
};
struct RunCandidates {
  OperationId operation;
  ErrorCode code{};
  std::string detail;
  bool confirmed = true;
  RunInput input;
  Digest recipe_digest;
  std::vector<RunCandidate> candidates;  // best first
  std::vector<std::string> argv;         // as it will be run, `{in}` and `{out}` in place
  std::uint32_t retry_after_ms = 0;
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
