#include <algorithm>
#include <map>

#include "base/limits.h"
#include "client/attempts.h"

// Runs: where to start one, and what is done when that goes wrong.
namespace pixmesh {

// A refusal for want of room is an answer: other holders were asked by the one that gives it.
Result<RunCandidates> plan_run(Client::Session& session, const RunOptions& options,
                               RequestId request, bool start_kept) {
  const Instant deadline = session.deadline();
  auto plan = at_holder<RunCandidates>(
      session, options.name, Burden::words,
      [&](const HolderAddress& holder, Instant limit) -> Result<RunCandidates> {
        RunRequest question;
        question.operation = session.next_operation();
        question.request = request;
        question.name = options.name;
        question.recipe = options.recipe;
        question.arguments = options.arguments;
        question.strict = options.strict;
        question.batch = options.batch;
        question.then = options.then;
        question.force = options.force;
        question.start_kept = start_kept;
        question.deadline_ms = ms_until(deadline);
        auto answer = session.ask<RunCandidates>(holder.control, question, limit);
        const bool full = answer && answer->code == ErrorCode::overloaded;
        return full ? answer : answered(std::move(answer));
      });
  if (plan && plan->code == ErrorCode::overloaded) {
    session.retry_after = std::chrono::milliseconds(plan->retry_after_ms);
  }
  return answered(std::move(plan));
}

namespace {

HolderAddress address_of(const RunCandidate& candidate) {
  HolderAddress node;
  node.node = candidate.node;
  node.control = candidate.control;
  node.bulk = candidate.bulk;
  return node;
}

/// Starts the run at one candidate. @returns its operation.
Result<OperationId> start_at(Client::Session& session, const RunCandidate& candidate,
                             const RunOptions& options, const RunCandidates& plan,
                             RequestId request, Instant deadline) {
  RunStart start;
  start.then = plan.then;
  start.batch = options.batch;
  start.force = options.force;
  start.client = session.options().client;
  start.operation = session.next_operation();
  start.request = request;
  start.input = plan.input;
  start.recipe = options.recipe;
  start.recipe_digest = plan.recipe_digest;
  start.arguments = options.arguments;
  start.deadline_ms = ms_until(deadline);
  if (session.send(candidate.control, start)) return start.operation;
  return Error{ErrorCode::unreachable, "no node answers at " + candidate.control};
}

/// Says to a node now and then that somebody waits there for a run. If that lasts, the connection
/// is watched, so that it need not be said so often.
class Waiting {
 public:
  Waiting(Client::Session& session, const std::string& control, RequestId request)
      : session_(session), control_(control), request_(request) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    if (watched_) session_.stop_watching(control_);
  }

  void begin() { next_ = monotonic_now() + alive_often; }
  void say() {
    watched_ = session_.watch_connection(control_);
    const Instant now = monotonic_now();
    (void)session_.send(control_, RunAlive{request_});
    next_ = now + (watched_ && now >= often_until_ ? run_alive_every : alive_often);
  }
  /// The connection has ended: the word goes when there is one again.
  void on_loss() {
    often_until_ = monotonic_now() + run_alive_every;
    say();
  }
  /// When to say it next.
  [[nodiscard]] Instant next() const { return next_; }

 private:
  Client::Session& session_;
  const std::string& control_;
  RequestId request_;
  bool watched_ = false;
  Instant next_{};
  Instant often_until_{};
};

/// Waits for the end of a run that was started.
Result<RunDone> end_of(Client::Session& session, const RunCandidate& candidate,
                       OperationId operation, RequestId request, Instant deadline) {
  constexpr Duration acceptance_patience = 2s;
  Client::Session::Attention attention(session, candidate.control);
  Waiting waiting(session, candidate.control, request);
  const Instant accepted_by = monotonic_now() + acceptance_patience;
  bool accepted = false;
  for (;;) {
    auto arrival = attention.next(std::min(deadline, accepted ? waiting.next() : accepted_by));
    if (!arrival) {
      const bool only_busy = accepted && arrival.error().code == ErrorCode::timed_out &&
                             !session.cancelled() && monotonic_now() < deadline;
      if (!only_busy) {
        (void)session.send(candidate.control, RunCancel{request});
        return arrival.error();
      }
      waiting.say();
    } else if (arrival->connection_lost) {
      waiting.on_loss();
    } else if (const auto* done = arrival->answer_to<RunDone>(operation)) {
      return *done;
    } else if (arrival->answer_to<RunAccepted>(operation) != nullptr && !accepted) {
      accepted = true;
      waiting.begin();
      (void)session.open_bulk(address_of(candidate));  // shakes hands while the tool works
    }
  }
}

Result<Done> take_output(Client::Session& session, const RunCandidate& candidate,
                         const RunDone& done, RequestId request, ByteSink& sink,
                         const Progress& progress) {
  if (!done.output.empty() && done.output.size() == done.output_size) {
    if (progress) progress(done.output_size, done.output_size);
    return sink.write(done.output);
  }
  StreamOpen open;
  open.run = request;
  open.size = done.output_size;
  Instant told_at = monotonic_now();
  return fetch_stream(session, address_of(candidate), open, sink, nullptr, progress, [&] {
    if (monotonic_now() < told_at + alive_often) return;
    told_at = monotonic_now();
    (void)session.send(candidate.control, RunAlive{request});
  });
}

/// One run, at one candidate after the other.
class RunAttempt {
 public:
  RunAttempt(Client::Session& session, const RunOptions& options, ByteSink& sink,
             const Progress& progress)
      : session_(session),
        options_(options),
        sink_(sink),
        progress_(progress),
        request_(options.request == RequestId{} ? session.fresh_request() : options.request),
        deadline_(session.deadline()) {}

  [[nodiscard]] Result<RunReceipt> run();

 private:
  [[nodiscard]] Result<RunReceipt> at(const RunCandidate& candidate, const RunCandidates& plan);
  [[nodiscard]] Result<RunReceipt> in_turn(const RunCandidates& plan);
  [[nodiscard]] bool may_go_on(const Error& error);
  [[nodiscard]] Result<RunReceipt> once();
  [[nodiscard]] Duration pause_when_full() const;

  Client::Session& session_;
  const RunOptions& options_;
  ByteSink& sink_;
  const Progress& progress_;
  RequestId request_;
  Instant deadline_;
  std::map<NodeId, int> doubts_;  // two: tried again only behind the others
  bool fell_silent_ = false;      // the one that was asked last
  bool over_ = false;             // another try makes no sense, or is not allowed
};

RunReceipt receipt_of(const RunCandidates& plan, const RunCandidate& candidate, const RunDone& done,
                      RequestId request) {
  RunReceipt receipt;
  receipt.request = request;
  receipt.node = candidate.node;
  receipt.control = candidate.control;
  receipt.output_size = done.output_size;
  receipt.extension = done.extension;
  receipt.confirmed = plan.confirmed;
  receipt.queued = std::chrono::microseconds(done.queued_micros);
  receipt.wall = std::chrono::microseconds(done.wall_micros);
  receipt.cpu = std::chrono::microseconds(done.cpu_micros);
  receipt.memory_bytes = done.memory_bytes;
  receipt.verified = std::chrono::microseconds(done.verify_micros);
  receipt.origin = done.origin;
  receipt.source = plan.input.digest;
  receipt.recipe_digest = plan.recipe_digest;
  receipt.key = done.key;
  receipt.fingerprint = done.fingerprint;
  receipt.argv = plan.argv;
  receipt.made_by = done.made_by;
  receipt.made_at = {done.made_at_micros};
  return receipt;
}

Result<RunReceipt> RunAttempt::at(const RunCandidate& candidate, const RunCandidates& plan) {
  fell_silent_ = false;
  const auto operation = plan.started
                             ? Result<OperationId>(plan.operation)
                             : start_at(session_, candidate, options_, plan, request_, deadline_);
  auto done = operation ? end_of(session_, candidate, operation.value(), request_, deadline_)
                        : Result<RunDone>(operation.error());
  if (!done) {
    fell_silent_ = true;
    doubts_[candidate.node] += done.error().code == ErrorCode::unreachable ? 2 : 1;
    return done.error();
  }
  if (done->code != ErrorCode{}) {
    (void)session_.send(candidate.control, RunCancel{request_});
    if (done->code == ErrorCode::overloaded) {
      session_.retry_after = std::chrono::milliseconds(done->retry_after_ms);
    }
    return Error{done->code, done->detail};
  }
  const auto fetched = take_output(session_, candidate, done.value(), request_, sink_, progress_);
  (void)session_.send(candidate.control, RunCancel{request_});
  if (fetched) {
    session_.prefer(plan.input.partition, candidate.control);
    return receipt_of(plan, candidate, done.value(), request_);
  }
  if (auto restarted = sink_.restart(); !restarted) {
    over_ = true;
    return restarted.error();
  }
  return fetched.error();
}

// A holder whose queue is full costs no retry: the next one was asked at the same time.
bool RunAttempt::may_go_on(const Error& error) {
  if (over_ || session_.cancelled() || monotonic_now() >= deadline_) return false;
  if (error.code == ErrorCode::overloaded) return true;
  const bool elsewhere = may_retry(error) || error.code == ErrorCode::corrupt;
  return elsewhere && session_.retries.spend();
}

Result<RunReceipt> RunAttempt::in_turn(const RunCandidates& plan) {
  Error last{ErrorCode::unreachable, "no holder can run it"};
  std::vector<RunCandidate> candidates = plan.candidates;
  std::ranges::stable_partition(
      candidates, [this](const RunCandidate& candidate) { return doubts_[candidate.node] < 2; });
  for (const RunCandidate& candidate : candidates) {
    auto receipt = at(candidate, plan);
    if (receipt) return receipt;
    last = receipt.error();
    over_ = !may_go_on(last);
    // When it fell silent others who waited there look for another holder too: asking anew where it
    // goes on makes them meet.
    if (over_ || fell_silent_) break;
  }
  return last;
}

Result<RunReceipt> RunAttempt::once() {
  const auto plan = plan_run(session_, options_, request_, true);
  if (!plan) {
    over_ = plan.error().code != ErrorCode::overloaded;
    return plan.error();
  }
  auto receipt = in_turn(plan.value());
  if (!receipt) session_.forget_row(plan->input.partition);
  return receipt;
}

// Those who were refused together do not come back together.
Duration RunAttempt::pause_when_full() const {
  const Duration told = std::max(session_.retry_after, attempt_pause);
  return told + told * request_.raw[0] / 1024;
}

Result<RunReceipt> RunAttempt::run() {
  session_.retries.on_request();
  session_.retry_after = {};
  for (int failures = 0;;) {
    auto receipt = once();
    if (receipt || over_) return receipt;
    const bool full = receipt.error().code == ErrorCode::overloaded;
    const bool waits = options_.batch && options_.patient;
    if (full ? !waits : ++failures == attempts_max) return receipt;
    const Duration pause = full ? pause_when_full() : attempt_pause * failures;
    if (monotonic_now() + pause >= deadline_) return receipt;
    if (auto slept = session_.sleep(pause); !slept) return slept.error();
  }
}

}  // namespace

Result<RunReceipt> Client::run(const RunOptions& options, ByteSink& sink,
                               const Progress& progress) {
  return RunAttempt(*session_, options, sink, progress).run();
}

}  // namespace pixmesh
