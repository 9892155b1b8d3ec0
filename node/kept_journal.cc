#include "node/kept_journal.h"

#include <algorithm>
#include <utility>

#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr Duration interval = 1s;
constexpr std::size_t rows_a_turn = 64;  // some 5 µs each

bool is_under_way(const RunReport& run) {
  return run.state == "inspecting" || run.state == "waiting" || run.state == "checking" ||
         run.state == "running";
}

}  // namespace

void KeptJournal::on_why(Instant now, WallTime wall, LinkId from, const WhyRequest& request,
                         OperationId ticket) {
  const Question question{from, request};
  if (store_ != nullptr && store_->find(ticket, request.request)) {
    questions_[ticket] = question;
  } else {
    answer(question, remembered(now, wall, request.request));
  }
}

void KeptJournal::on_found(Instant now, WallTime wall, const JournalFound& found) {
  const auto question = questions_.extract(found.ticket);
  if (!question) return;
  const WhyRequest& request = question.mapped().request;
  answer(question.mapped(), merged(remembered(now, wall, request.request), found.rows));
}

WhyAnswer KeptJournal::remembered(Instant now, WallTime wall, RequestId request) const {
  WhyAnswer answer = journal_.why(now, wall, request);
  answer.operation = OperationId{boot_};
  answer.node = self_;
  return answer;
}

// What this process remembers is later than what it has written. What an earlier one has not seen
// the end of had none.
WhyAnswer KeptJournal::merged(WhyAnswer remembered, const std::vector<Bytes>& rows) const {
  std::map<std::uint64_t, WhyAnswer> by_boot;
  for (const Bytes& row : rows) {
    if (auto known = decode_why(row)) by_boot[known->operation.raw] = std::move(known).value();
  }
  if (!remembered.routes.empty() || !remembered.runs.empty()) {
    by_boot[boot_] = std::move(remembered);
  }
  WhyAnswer all;
  all.node = self_;
  for (auto& [boot, known] : by_boot) {
    for (RunReport& run : known.runs) {
      if (boot == boot_ || !is_under_way(run)) continue;
      run.state = "stopped";
      run.detail = "the node ended before it";
    }
    all.routes.insert(all.routes.end(), known.routes.begin(), known.routes.end());
    all.runs.insert(all.runs.end(), known.runs.begin(), known.runs.end());
  }
  return all;
}

void KeptJournal::answer(const Question& question, WhyAnswer answer) {
  answer.operation = question.request.operation;
  post_.to_link(question.from, std::move(answer));
}

void KeptJournal::write(Instant now, WallTime wall, bool all) {
  if (store_ == nullptr) return;
  if (all || (to_write_.empty() && now >= next_at_)) {
    const std::vector<RequestId> changed = journal_.take_changed();
    to_write_.insert(to_write_.end(), changed.begin(), changed.end());
    next_at_ = now + interval;
  }
  std::vector<JournalRow> rows;
  while (!to_write_.empty() && (all || rows.size() < rows_a_turn)) {
    const RequestId request = to_write_.back();
    to_write_.pop_back();
    const WhyAnswer record = remembered(now, wall, request);
    const bool is_forgotten = record.routes.empty() && record.runs.empty();
    if (!is_forgotten) rows.push_back({request, wall.microseconds, encode_why(record)});
  }
  if (!rows.empty()) store_->append(std::move(rows));
}

}  // namespace pixmesh
