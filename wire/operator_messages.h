#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "processing/cost_model.h"
#include "wire/plan_messages.h"
#include "wire/why_messages.h"

// What an operator asks a node about itself.
namespace pixmesh {

struct StatusRequest {
  OperationId operation;
};
struct MemberStatus {
  NodeId node;
  std::string control;
  std::string bulk;
  std::string zone;
  std::uint32_t weight = 1;
  std::string state;  // joining, active, leaving, left, evicted
  std::string life;   // alive, suspect, dead, left
  bool no_new_work = false;
  std::uint64_t target_slots_micro = 0;  // share of the ring by weight, in millionths of a slot
  std::uint32_t slots = 0;               // partitions placed on it
  std::uint32_t awaited_by = 0;          // partitions that this node answers for wait for it …
  std::uint64_t awaited_images = 0;      // … with these images, and perhaps others that it has
};
struct DiskStatus {
  std::string folder;
  std::string state;  // ok; full: no room for the image refused last; failed: not used
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t images = 0;
  std::uint64_t bytes = 0;
  std::uint64_t damaged = 0;        // images whose bytes here are wrong or gone, and not yet mended
  std::uint64_t found_damaged = 0;  // by scrubbing, since the process started
  std::uint64_t scrubs = 0;         // complete passes over the disk
  std::uint32_t scrub_permille = 0;  // of the pass under way
  bool scrub_hurried = false;        // an operator asked for it
};
/// A dead member that this node wants evicted.
struct VoteStatus {
  NodeId node;
  bool told = false;      // an operator wants it; else it was dead for long
  std::string waits_for;  // why there is no vote yet; empty: it is under way, or begins at once
};
/// How this node copies what it lacks from other holders.
struct RepairStatus {
  std::uint64_t paused_seconds = 0;  // until it goes on by itself; 0: it is not paused
  std::uint64_t rate = 0;            // bytes a second at most, for all of it; 0: no bound
  bool yields = false;               // clients have been at work a moment ago
  std::uint32_t running = 0;         // partitions that are being synced
  std::uint32_t waiting = 0;         // partitions that wait for their turn
  std::uint64_t short_bytes = 0;     // of the images under-replicated
  std::uint64_t to_copy_bytes = 0;   // of partitions this node answers for: still to be copied
  std::uint64_t copied_bytes = 0;    // since the process started
  std::uint64_t bytes_a_second = 0;  // copied of late
  std::uint32_t recovering = 0;      // partitions that may lack something here, and it is not known
                                     // what: their disk was lost, or put back
  std::uint64_t recovering_bytes = 0;  // that are here of them
};
/// How a node's wall clock stands to the lower median of all that it knows.
struct ClockStatus {
  std::uint32_t clocks = 1;    // compared, its own among them
  std::uint64_t ahead_ms = 0;  // one of these two is 0
  std::uint64_t behind_ms = 0;
  bool orders_writes = true;  // false: it is so far off that it coordinates none
};
/// Bytes sent to other processes since the start, without what the network adds.
struct SentStatus {
  std::uint64_t membership = 0;  // gossip: who is there, who answers
  std::uint64_t repair = 0;      // what holders tell one another about their copies
  std::uint64_t other = 0;       // clients' work, chunks
  std::uint64_t messages = 0;    // of all three
};
/// Results of runs that this node keeps, and what they were good for since the process started.
struct ResultsStatus {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t quota = 0;   // bytes; 0: it keeps none
  std::uint64_t hits = 0;    // runs answered with a kept result
  std::uint64_t misses = 0;  // runs that had to be made
  std::uint64_t joined = 0;  // runs that took part in one that went on
};
/// What tools did on this node since the process started.
struct RunStatus {
  std::uint64_t finished = 0;
  std::uint64_t failed = 0;   // the tool failed, or went over a limit
  std::uint64_t refused = 0;  // by its header, or because the node was busy or draining
  std::uint64_t left = 0;     // the asker went before the end
  std::uint64_t cpu_micros = 0;
  std::uint64_t p50_micros = 0;  // of the wall time of the last runs that finished; 0: none did
  std::uint64_t p95_micros = 0;
  std::uint64_t stream_bytes_in = 0;   // chunks from clients and other nodes
  std::uint64_t stream_bytes_out = 0;  // and results that went along with their end
};
struct StatusAnswer {
  OperationId operation;
  NodeId node;
  MeshId mesh;
  std::string version;
  Epoch epoch;
  std::uint32_t partition_bits = 0;
  std::uint32_t replicas = 0;
  std::uint32_t write_quorum = 0;
  std::uint64_t uptime_seconds = 0;
  std::uint64_t images = 0;  // records that are no tombstones, on this node
  std::uint64_t bytes = 0;
  std::uint64_t disk_free_bytes = 0;
  std::uint64_t disk_total_bytes = 0;
  std::uint32_t unsettled = 0;  // partitions of this node in motion
  std::uint32_t to_sync = 0;
  std::uint64_t moved_bytes = 0;  // fetched here since the last placement
  std::uint64_t moved_files = 0;
  std::uint64_t under_replicated = 0;  // images this node answers for that lack a living copy
  std::uint64_t hints = 0;
  bool frozen = false;
  std::uint32_t workers = 0;
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  std::uint64_t dropped_messages = 0;
  std::uint64_t malformed_messages = 0;
  std::vector<MemberStatus> members;
  std::string waits_for;            // a leaving node: what is still to be handed over
  std::uint64_t planned_slots = 0;  // copies of partitions that the last placement moved anywhere
  std::uint64_t ideal_slots = 0;    // the least that any placement would have moved
  std::vector<DiskStatus> disks;
  std::vector<VoteStatus> votes;
  RepairStatus repair;
  ClockStatus clock;
  SentStatus sent;
  std::uint32_t begun_anew = 0;  // partitions of which nobody knew any more what was in them
  ResultsStatus results;
  RunStatus runs;
  std::string sandbox;                  // what is around tools: "bwrap", "off"
  std::uint32_t shells = 0;             // that are open
  std::uint64_t tool_memory_bytes = 0;  // for all tools at one time; 0: not counted
  std::uint64_t tool_memory_taken = 0;  // of it, by what those that run are expected to need
};

struct RecipesRequest {
  OperationId operation;
};
struct ParameterStatus {
  std::string name;
  std::string type;
  std::string range;
  std::string default_value;
};
struct RecipeStatus {
  std::string name;
  std::string summary;
  bool available = false;
  Digest digest;
  std::string output;
  std::vector<std::string> accepts;
  std::vector<std::string> argv;
  std::vector<ParameterStatus> parameters;
  std::string limits;
  Digest fingerprint;  // of its tools on this node; zero: not known
  std::string engine;  // "command" or "vips"
  bool fast_shrink_on_load = false;
  std::string missing;  // what this node would need to do it; "": nothing, or not told
};
struct RecipesAnswer {
  OperationId operation;
  std::vector<RecipeStatus> recipes;
};

struct CostsRequest {  // what have runs taken on this node?
  OperationId operation;
  std::string after;  // recipes behind this one, by name
};
struct CostsAnswer {
  OperationId operation;
  std::vector<RecipeCost> costs;  // by name and way, those with runs
  bool more = false;
};

enum class NodeCommand : std::uint8_t {
  drain = 1,
  undrain,
  leave,
  cancel_leave,
  forget,
  scrub,
  pause_repair,  // for `amount` seconds
  resume_repair,
  throttle_repair,  // to `amount` bytes a second; 0: no bound
  add_disk,         // the folder `path`, of `amount` bytes; 0: the size of its file system
  replace_disk,     // a failed one by the empty folder at its place
  remove_disk,      // a failed one; its share goes to the others
  set_copies,       // `replicas` and `write_quorum` of the whole mesh
};
struct CommandRequest {
  OperationId operation;
  NodeCommand command = NodeCommand::drain;
  NodeId target;  // of forget
  bool force = false;
  bool accept_fewer_copies = false;
  std::uint64_t amount = 0;
  std::uint32_t replicas = 0;      // of set_copies; 0: as many as now
  std::uint32_t write_quorum = 0;  // the same; 0: as now, if that fits the replicas
  std::string path;                // of a disk
};
struct CommandAnswer {
  OperationId operation;
  ErrorCode code{};
  std::string detail;
};

struct VerifyRequest {  // read your copy of these bytes; mend it if it is damaged
  OperationId operation;
  PartitionId partition;
  Digest digest;
};
struct VerifyAnswer {
  OperationId operation;
  ErrorCode code{};  // 0: it is whole; corrupt, not_found (no record names it), overloaded, failed
  std::string detail;
};

struct AliveRequest {  // asked by a client that waits for something else
  OperationId operation;
};
struct AliveAnswer {
  OperationId operation;
  // Since this process began, rounded up: what it was asked earlier it does not know.
  std::uint64_t age_ms = UINT64_MAX;
};

/// Forget all results that were made of these bytes, or for these names, whatever these were.
struct PurgeRequest {
  OperationId operation;
  std::vector<Digest> sources;
  std::vector<std::string> names;
  std::vector<std::string> prefixes;  // of names
};
struct PurgeAnswer {
  OperationId operation;
  std::uint64_t dropped = 0;  // results
  std::uint64_t bytes = 0;
};

using OperatorMessage =
    std::variant<StatusRequest, StatusAnswer, RecipesRequest, RecipesAnswer, CommandRequest,
                 CommandAnswer, AliveRequest, AliveAnswer, VerifyRequest, VerifyAnswer, PlanRequest,
                 PlanAnswer, ApplyRequest, ApplyAnswer, CostsRequest, CostsAnswer, PurgeRequest,
                 PurgeAnswer, WhyRequest, WhyAnswer>;

}  // namespace pixmesh
