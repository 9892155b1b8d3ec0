#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/output.h"
#include "client/client.h"

namespace pixmesh {

/// What a node did since it was asked before, from two of its answers.
struct TopRow {
  NodeId node;
  std::string control;
  std::string problem;  // why there is nothing else
  std::uint32_t workers = 0;
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  std::uint64_t memory_bytes = 0;  // for tools; 0: not counted
  std::uint64_t memory_taken = 0;
  std::uint64_t cpu_permille = 0;    // of one processor, used by tools that ended
  std::uint64_t runs_per_1000s = 0;  // that ended well
  std::uint64_t failed_per_1000s = 0;
  // Of the runs asked for, those answered by what was kept or went on; none: nobody asked.
  std::optional<std::uint64_t> shared_permille;
  std::uint64_t in_per_second = 0;  // bytes of chunks
  std::uint64_t out_per_second = 0;
  RunStatus runs;
  std::uint64_t repair_per_second = 0;
  std::uint64_t to_copy_bytes = 0;
};

/// Turns answers into rows. Figures of a node that answers for the first time, or was started anew,
/// are 0.
class TopView {
 public:
  [[nodiscard]] std::vector<TopRow> rows(const std::vector<NodeReport>& reports, Instant now);

 private:
  struct Earlier {
    RunStatus runs;
    ResultsStatus results;
    std::uint64_t uptime_seconds = 0;
    Instant at;
  };
  std::map<NodeId, Earlier> earlier_;
};

[[nodiscard]] TextTable top_table(const std::vector<TopRow>& rows);
[[nodiscard]] Json json_of(const TopRow& row);

}  // namespace pixmesh
