#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

// What became of one request, as each node that had to do with it remembers.
namespace pixmesh {

struct WhyRequest {  // what do you know of this one?
  OperationId operation;
  RequestId request;
};
/// A holder that a router asked for its load.
struct WhyHolder {
  NodeId node;
  bool answered = false;
  std::uint64_t answer_micros = 0;  // after it was asked
  bool has_recipe = false;
  bool accepts_work = false;
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  std::uint32_t announced = 0;
  std::uint32_t workers = 0;
  std::uint64_t service_micros = 0;
  std::uint64_t wait_micros = 0;
  std::uint64_t score_micros = 0;  // 0: it was no candidate
};
/// How a node found out where it should run.
struct RouteReport {
  std::uint64_t asked_micros = 0;  // since 1970, by the clock of the node that tells
  std::string name;
  std::string recipe;                // all steps
  std::uint64_t lookup_micros = 0;   // until the holders were known
  std::uint64_t decided_micros = 0;  // until the asker had its answer; 0: it has none
  ErrorCode code{};
  std::string detail;
  std::vector<WhyHolder> holders;  // as they were asked
};
/// What became of it where it ran. Spans that are not over, or never began, are 0.
struct RunReport {
  std::uint64_t asked_micros = 0;  // since 1970, by the clock of the node that tells
  std::string recipe;              // all steps
  std::string state;  // inspecting, waiting, checking, running, done, failed, refused, left,
                      // kept, joined; stopped: the node ended before it
  std::string limit;  // of a tool or of the queue, that was hit; empty: none
  std::uint32_t position = 0;  // jobs in front of it when it was admitted
  std::uint64_t inspect_micros = 0;
  std::uint64_t queue_micros = 0;
  std::uint64_t verify_micros = 0;
  std::uint64_t run_micros = 0;
  std::uint64_t send_micros = 0;  // from the first asking for the result to the asker's thanks
  std::uint64_t cpu_micros = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t output_size = 0;
  ErrorCode code{};
  std::string detail;
};
struct WhyAnswer {
  OperationId operation;
  NodeId node;
  std::vector<RouteReport> routes;  // one for each time it was asked; none: it knows nothing
  std::vector<RunReport> runs;
};

}  // namespace pixmesh
