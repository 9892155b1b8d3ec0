#pragma once

#include <map>
#include <vector>

#include "base/journal_store.h"
#include "node/post.h"
#include "node/run_journal.h"

namespace pixmesh {

/// Carries the run journal over restarts, and beyond the room it has in memory: what is new in it
/// is handed to a JournalStore once a second, and `why` is answered from both.
///
/// A row is the whole record of a request as this process knows it; the last row of a process
/// says all that the ones before it said.
class KeptJournal {
 public:
  /// @param store  null: the journal lies in memory only
  /// @param boot   of this process; later ones have higher numbers
  KeptJournal(RunJournal& journal, JournalStore* store, NodeId self, std::uint64_t boot, Post& post)
      : journal_(journal), store_(store), self_(self), boot_(boot), post_(post) {}

  /// @param ticket  a fresh one, for the store
  void on_why(Instant now, WallTime wall, LinkId from, const WhyRequest& request,
              OperationId ticket);
  void on_found(Instant now, WallTime wall, const JournalFound& found);
  /// To be called in every turn of the loop: writes a little, so that no turn takes long.
  /// @param all  whatever is new, now: the process ends
  void write(Instant now, WallTime wall, bool all);

 private:
  struct Question {
    LinkId from;
    WhyRequest request;
  };
  [[nodiscard]] WhyAnswer remembered(Instant now, WallTime wall, RequestId request) const;
  [[nodiscard]] WhyAnswer merged(WhyAnswer remembered, const std::vector<Bytes>& rows) const;
  void answer(const Question& question, WhyAnswer answer);

  RunJournal& journal_;
  JournalStore* store_;
  NodeId self_;
  std::uint64_t boot_;
  Post& post_;
  std::vector<RequestId> to_write_;  // the last one first
  Instant next_at_;
  std::map<OperationId, Question> questions_;  // that the store works on
};

}  // namespace pixmesh
