#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/borrowed_copies.h"
#include "node/options.h"
#include "node/outside.h"
#include "node/post.h"
#include "node/run_chain.h"
#include "node/run_checks.h"
#include "node/run_journal.h"
#include "processing/lanes.h"
#include "processing/recipe_book.h"
#include "replication/operation.h"

namespace pixmesh {

/// Where this node has the input of a run.
struct InputPlace {
  std::uint32_t disk = 0;
  bool borrowed = false;  // it is no holder, and gets it from one first
};

/// The runs of this node, from a client's `RunStart` to the fetched result.
///
///   start -> look at the header (or refused) -> admitted by Lanes (queued, started or refused)
///   -> check of the input -> tool -> RunDone to the asker -> the asker fetches the output and says
///   RunCancel -> forgotten
///
/// An image that the recipe does not take, or that would cost too much, is refused before it waits:
/// no tool ever sees it. The input is checked before the tool begins, not beside it: a damaged file
/// that is mended meanwhile would pass a check that ends after the tool has read it.
///
/// An asker that is silent for `asker_patience` is gone: its run is killed, its output removed.
/// A second start of one request joins the run that is here already.
class Runs {
 public:
  Runs(const NodeOptions& options, RecipeBook book, Outside& outside, Post& post);

  void on_probe(Instant now, LinkId from, const ProbeLoad& probe);
  void on_release(Instant now, const ReleaseLoad& release);
  /// Whether a run has its input, of this partition, on this disk.
  [[nodiscard]] bool reads(std::uint32_t disk, PartitionId partition) const;
  void on_start(Instant now, LinkId from, const RunStart& start, const InputPlace& place);
  /// @param copy  none: no source gave the image; `detail` says why.
  void on_borrowed(Instant now, const Digest& image, std::optional<TempId> copy,
                   const std::string& detail);
  void on_alive(Instant now, const RunAlive& alive);
  void on_cancel(Instant now, const RunCancel& cancel);
  void on_tool_ended(Instant now, const ToolReport& report);
  /// @param header  none: the stored bytes are damaged.
  void on_inspected(Instant now, RunId run, const std::optional<ImageHeader>& header);
  void on_verified(Instant now, RunId id, bool intact);
  void on_deadline(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  struct Output {
    std::string path;  // relative to the folder of disk 0
    std::uint64_t size = 0;
  };
  [[nodiscard]] std::optional<Output> output_of(RequestId request) const;
  /// How its tool ended; null before that.
  [[nodiscard]] const ToolReport* report_of(RequestId request) const;
  /// Whether the tool that ended last had read the image itself: no later step of a chain.
  [[nodiscard]] bool ended_at_image(RequestId request) const;

  /// Headers to be looked at; the owner starts an InspectFile for each.
  struct Inspection {
    RunId run;
    StoredInput input;
    HeaderLimits limits;
  };
  [[nodiscard]] std::vector<Inspection> take_inspections();

  /// Inputs to be checked; the owner starts a VerifyFile for each.
  struct Check {
    RunId run;
    StoredInput input;
  };
  [[nodiscard]] std::vector<Check> take_checks();

  /// Images to be borrowed; the owner starts a BorrowCopy for each.
  [[nodiscard]] std::vector<RunInput> take_loans();
  /// Borrowed files that nobody needs any more, on `borrowed_disk`.
  [[nodiscard]] std::vector<TempId> take_returned() { return copies_.take_dropped(); }

  void set_accepting(bool accepting) { lanes_.set_accepting(accepting); }
  void set_book(RecipeBook book) { book_ = std::move(book); }
  [[nodiscard]] const CostModel& costs() const { return lanes_.costs(); }
  [[nodiscard]] CostModel& costs() { return lanes_.costs(); }
  [[nodiscard]] const RecipeBook& book() const { return book_; }
  [[nodiscard]] RunJournal& journal() { return journal_; }
  [[nodiscard]] LaneLoad load() const { return lanes_.load({}); }
  [[nodiscard]] const MemoryTokens& memory() const { return lanes_.memory(); }
  void cancel_all(Instant now);

 private:
  static constexpr Duration asker_patience = 6s;

  enum class Step { borrowing, inspecting, waiting, checking, running, done };
  struct Run {
    RunId id;
    LinkId asker;
    RunStart start;
    std::uint32_t disk = 0;
    bool borrowed = false;
    HeaderLimits limits;
    ToolRun tool;
    std::uint64_t pixels = 0;
    std::uint32_t held_a_pixel = 0;  // as of memory_need_of
    std::string choices;             // as of choices_of
    std::string way;                 // as of Work; known once its header was looked at
    std::uint64_t memory_most = 0;   // of all its steps
    Step step = Step::inspecting;
    bool told = false;
    std::optional<bool> intact;
    std::optional<ToolReport> report;
    Instant asked_at;
    Instant deadline;
    bool was_cut = false;  // its tool has less time than its recipe gives it
    Instant started_at;
    Instant verified_at;
    Instant asker_until;
    RunChain chain;  // what comes behind `tool`
  };

  /// A chain's step behind the first, which has a number of its own.
  struct Turn {
    RunId step;
    RunId before;  // whose output it reads
  };
  [[nodiscard]] RunId run_of(RunId step) const;
  [[nodiscard]] RunId step_of(RunId run) const;
  [[nodiscard]] bool go_on(Instant now, RunId id, const ToolReport& ended);
  void end_turn(RunId id);
  static void cut_by_deadline(Instant now, Run& run);
  [[nodiscard]] std::string relative_output(const ToolReport& report) const;

  void refuse(const RunStart& start, LinkId to, ErrorCode code, std::string detail,
              Duration retry_after = {}, std::string_view denied_by = "header");
  [[nodiscard]] Result<std::vector<RenderedStep>> steps_of(const RunStart& start) const;
  [[nodiscard]] std::optional<JobRefused> refusal_of(
      const RunStart& start, const Result<std::vector<RenderedStep>>& steps) const;
  [[nodiscard]] Duration busy_pause_of(const RunStart& start) const;
  [[nodiscard]] Result<Done> begin(Instant now, LinkId from, const RunStart& start,
                                   const InputPlace& place);
  [[nodiscard]] Result<Done> borrow(Instant now, Run& run);
  void inspect(Run& run);
  [[nodiscard]] StoredInput stored(const Run& run) const;
  Run& add_run(Instant now, LinkId from, const RunStart& start);
  void admit(Instant now, RunId id);
  [[nodiscard]] Job job_of(const Run& run) const;
  void end_before_start(Instant now, RunId id, const Error& why);
  void perform(Instant now, const Lanes::Effects& effects);
  void tell_if_complete(RunId id);
  [[nodiscard]] RunDone outcome_of(const Run& run) const;
  void forget(Instant now, RunId id);
  [[nodiscard]] std::optional<RunId> find(RequestId request) const;

  Outside& outside_;
  Post& post_;
  RecipeBook book_;
  Lanes lanes_;
  std::string scratch_root_;
  std::uint64_t last_run_ = 0;
  std::map<RunId, Run> runs_;
  std::map<RequestId, RunId> by_request_;
  std::vector<Inspection> inspections_;
  std::vector<Check> checks_;
  std::map<RunId, Turn> turns_;  // of chains that are behind their first step
  RunJournal journal_;
  BorrowedCopies copies_;
  std::vector<RunInput> loans_;
};

}  // namespace pixmesh
