#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "client/shell.h"
#include "replication/messages.h"
#include "routing/run_messages.h"
#include "wire/operator_messages.h"

namespace pixmesh {

struct ClientOptions {
  std::vector<Endpoint> nodes;    // tried in turn; at least one
  Duration connect_timeout = 2s;  // for a node's first answer
  Duration deadline = 120s;       // of one call, retries included
  std::uint64_t client = 0;       // for whom runs are: each gets the same share; 0: this link's
  std::size_t links = 400;        // nodes it is connected to at one time: four files each; >= 2
  int cancel_fd = -1;             // readable: the call ends with `timed_out` ("interrupted")
};

/// How far a transfer is: bytes done, and of how many (0: not known).
using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Gives the bytes of an upload. `read` fills the front of `into` and returns how many bytes it
/// gave; fewer than asked only at the end. `rewind` goes back to the start for another try.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  [[nodiscard]] virtual Result<std::size_t> read(std::span<std::uint8_t> into) = 0;
  [[nodiscard]] virtual bool rewind() = 0;  // false: it cannot (a pipe)
  [[nodiscard]] virtual std::optional<std::uint64_t> size() const = 0;
};

/// Takes the bytes of a download, in order. `restart`: forget all, another try begins.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  [[nodiscard]] virtual Result<Done> write(ByteView bytes) = 0;
  [[nodiscard]] virtual Result<Done> restart() = 0;
};

struct PutOptions {
  std::string name;
  std::vector<Tag> tags;
  bool if_absent = false;
  bool wait_all = false;  // until every copy is durable, not only the write quorum
};

struct RunOptions {
  std::string recipe;
  std::string name;
  std::vector<RunArgument> arguments;
  bool strict = false;
  bool batch = false;           // whoever waits at a screen goes first; waits while queues are full
  bool force = false;           // run it anew, whatever result is kept
  std::vector<RunStep> then{};  // further steps on the same node; digests are not looked at
  RequestId request{};          // of fresh_request; all zero: one that nobody knows
  bool patient = true;          // false: `overloaded` at once, of a batch too
};
struct RunReceipt {
  RequestId request;
  NodeId node;  // that gave the result
  std::string control;
  std::uint64_t output_size = 0;
  std::string extension;  // of the output
  bool confirmed = true;
  Duration queued{};
  Duration wall{};  // of the tool
  Duration cpu{};
  std::uint64_t memory_bytes = 0;  // at most so much was resident; 0: not known
  Duration verified{};             // the check of the input
  ResultOrigin origin{};           // if it was kept, the times are those of then
  Digest source;                   // of the image
  Digest recipe_digest;
  Digest key;
  Digest fingerprint;             // of the tool and its libraries; zero: not known
  std::vector<std::string> argv;  // with `{in}` and `{out}`
  NodeId made_by;                 // where the tool ran
  WallTime made_at;               // by that node's clock
};
/// Whose results are to go: at most 1,000 of each.
struct PurgeWish {
  std::vector<Digest> sources;        // made of these bytes, …
  std::vector<std::string> names;     // … or for these names, …
  std::vector<std::string> prefixes;  // … or for names that begin so
};
struct PurgeReport {  // one member's answer
  NodeId node;
  std::string control;
  std::uint64_t dropped = 0;
  std::uint64_t bytes = 0;
  std::string problem;  // empty: it did it
};
/// What a member remembers of a request.
struct WhyReport {
  std::string control;
  WhyAnswer answer;
  std::string problem;  // why there is no answer
};
struct NodeReport {  // one node's answer, or why there is none
  NodeId node;
  std::string control;
  std::optional<StatusAnswer> status;
  std::string problem;
};

struct CopyReport {  // one holder's verdict on its copy of an image
  NodeId node;
  std::string control;  // empty: the mesh does not hear from it
  ErrorCode code{};     // 0: whole; corrupt, not_found; else why there is no verdict
  std::string detail;
};

/// What a change of the members would move: the members' answers added up.
struct RingForecast {
  PlanId plan;
  std::uint64_t moved_slots = 0;  // copies of partitions
  std::uint32_t replicas_before = 0;
  std::uint32_t replicas_after = 0;
  std::uint32_t live_copies_before = 0;  // of the partition with the fewest; kept meanwhile
  std::uint32_t live_copies_after = 0;
  std::uint64_t unsettled = 0;       // partitions in motion now, counted by each of their holders
  std::vector<PlannedShare> shares;  // by id
  std::vector<std::string> silent;   // members that gave no answer: what they hold is not counted
  std::size_t asked = 0;             // members that answered
};

/// A mesh seen from outside. Every call blocks, carries one request id through all its retries, and
/// keeps to the deadline and to `cancel_fd`. Retries go to another holder, after a pause, and never
/// more than a few. Not thread-safe: one thread, one Client.
///
/// Errors of every call: unreachable (nobody answers, or no quorum), overloaded (busy; retry),
/// timed_out (the effect of a write is then unknown), denied; further ones as said.
class Client {
 public:
  /// Asks the first node that answers for the mesh. Errors: unreachable, with what to type next.
  [[nodiscard]] static Result<std::unique_ptr<Client>> connect(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// The mesh as the contacted node described it.
  [[nodiscard]] const MeshAnswer& mesh() const;

  /// Stores bytes under a name, replacing what was there. WriteDone::code is 0 or fewer_copies
  /// (wait_all: done, but with fewer copies). Errors: usage (name, tags, empty source), no_space,
  /// corrupt (the mesh computed another digest than we did).
  [[nodiscard]] Result<WriteDone> put(const PutOptions& options, ByteSource& source,
                                      const Progress& progress);

  /// The record of a name and the holders that have it. Errors: not_found.
  [[nodiscard]] Result<LookupAnswer> stat(const std::string& name, bool strict);

  /// Writes the bytes to `sink` and checks their digest at the end.
  /// Errors: not_found, corrupt (nothing written to the sink is to be trusted), the sink's own.
  [[nodiscard]] Result<LookupAnswer> get(const std::string& name, bool strict, ByteSink& sink,
                                         const Progress& progress);

  /// Has every holder read its whole copy and compare digests; damaged ones are mended by
  /// themselves. One report for each target holder. Errors: not_found.
  [[nodiscard]] Result<std::vector<CopyReport>> verify(const std::string& name);

  [[nodiscard]] Result<WriteDone> remove(const std::string& name);  // not_found
  [[nodiscard]] Result<WriteDone> tag(const std::string& name,
                                      const std::vector<Tag>& changes);  // not_found
  /// A second name for the same bytes; nothing passes through the client. Errors: not_found.
  [[nodiscard]] Result<WriteDone> copy(const std::string& from, const std::string& to);

  /// Calls `each` for every image under `prefix` that carries all `tags`, in order of name, until
  /// it returns false. @returns whether the list is complete; false: some holders are silent.
  [[nodiscard]] Result<bool> list(const std::string& prefix, const std::vector<Tag>& tags,
                                  const std::function<bool(const ListEntry&)>& each);

  /// Where a run would go and what would be started, without starting it.
  [[nodiscard]] Result<RunCandidates> plan(const RunOptions& options);

  /// Processes one image on a node that holds it; the output goes to `sink`.
  /// A failure of a node is tried at another holder within the budget (RetryBudget); a full queue
  /// at the other holders once. Errors: not_found, usage (recipe, parameter, media type),
  /// tool_failed (with its stderr), overloaded (`retry_after` says for how long), denied.
  [[nodiscard]] Result<RunReceipt> run(const RunOptions& options, ByteSink& sink,
                                       const Progress& progress);

  /// A shell, or one command, beside an image on a node that holds it, in the sandbox of tools.
  /// Returns when it has ended or its user has left; the deadline is for its beginning only.
  /// Errors: not_found, usage (no such holder), denied (the node gives none), overloaded (as many
  /// are open there as it allows), corrupt, tool_failed (a signal or a limit ended it), timed_out.
  [[nodiscard]] Result<ShellReceipt> shell(const ShellOptions& options, ShellUser& user);

  /// What the last run that ended with `overloaded` was told to wait; 0: nothing.
  [[nodiscard]] Duration retry_after() const;

  /// A number for a request, to ask about it later.
  [[nodiscard]] RequestId fresh_request() const;
  /// What every living member remembers of a request.
  [[nodiscard]] Result<std::vector<WhyReport>> why(RequestId request);

  /// Every member's own report; silent members are listed with the problem.
  [[nodiscard]] Result<std::vector<NodeReport>> status();
  /// The contacted node's recipes.
  [[nodiscard]] Result<std::vector<RecipeStatus>> recipes();
  /// What runs have taken on the contacted node, by recipe and size of image.
  [[nodiscard]] Result<std::vector<RecipeCost>> costs();
  /// Has every member forget these results. Every member that counts has a report.
  [[nodiscard]] Result<std::vector<PurgeReport>> purge(const PurgeWish& wish);
  /// Tells every living member to read all its copies now. One report for each; `problem` is empty
  /// for those that began.
  [[nodiscard]] Result<std::vector<NodeReport>> scrub();
  /// Tells every living member, or these of them. One report for each; `problem` is empty for those
  /// that did it. Errors: usage, from the first that refuses.
  [[nodiscard]] Result<std::vector<NodeReport>> tell(const CommandRequest& command,
                                                     const std::vector<NodeId>& only);
  /// What a change of the members would move; nothing is changed. Every living member is asked, one
  /// after the other. Errors: usage, not_found; overloaded: the members do not agree yet.
  [[nodiscard]] Result<RingForecast> plan_ring(const RingChange& change);
  /// Has the node that a plan is about carry it out. @returns what it says, for people.
  /// Errors: not_found (nobody remembers such a plan), failed (the mesh is not what it was),
  /// fewer_copies, usage.
  [[nodiscard]] Result<std::string> apply_plan(PlanId plan, bool accept_fewer_copies);
  /// A command to the contacted node itself. @returns what it says, for people.
  [[nodiscard]] Result<std::string> command(const CommandRequest& command);

  class Session;  // of the library's own parts

 private:
  explicit Client(std::unique_ptr<Session> session);
  std::unique_ptr<Session> session_;
};

}  // namespace pixmesh
