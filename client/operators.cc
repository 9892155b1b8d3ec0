// What operators want of several members at once.
#include <algorithm>

#include "client/attempts.h"
#include "client/client.h"
#include "client/session.h"

namespace pixmesh {
namespace {

constexpr Duration plan_patience = 20s;  // a placement of 1,000 nodes takes 0.3 s, others wait too
constexpr Duration busy_pause = 300ms;

/// One member's answer to a plan, with all its pages.
class PlanQuestion {
 public:
  PlanQuestion(Client::Session& session, const RingChange& change)
      : session_(session), change_(change) {}

  Result<PlanAnswer> ask(const std::string& control) {
    Result<PlanAnswer> whole = ask_page(control, std::nullopt);
    while (whole && whole->more && !whole->shares.empty()) {
      Result<PlanAnswer> page = ask_page(control, whole->shares.back().node);
      if (!page) return page;
      if (page->plan != whole->plan) return Error{ErrorCode::overloaded, "the members change"};
      PlanAnswer joined = std::move(whole).value();
      joined.shares.insert(joined.shares.end(), page->shares.begin(), page->shares.end());
      joined.more = page->more;
      whole = std::move(joined);
    }
    return whole;
  }

 private:
  // A node that is busy, or works out a change of its own, is asked again.
  Result<PlanAnswer> ask_page(const std::string& control, std::optional<NodeId> after) {
    const Instant limit = std::min(session_.deadline(), monotonic_now() + plan_patience);
    for (;;) {
      const PlanRequest question{session_.next_operation(), change_, after};
      Result<PlanAnswer> answer = answered(session_.ask<PlanAnswer>(control, question, limit));
      if (answer || answer.error().code != ErrorCode::overloaded) return answer;
      if (monotonic_now() + busy_pause >= limit) return answer;
      if (auto slept = session_.sleep(busy_pause); !slept) return slept.error();
    }
  }

  Client::Session& session_;
  const RingChange& change_;
};

void add(const PlanAnswer& answer, RingForecast& forecast) {
  if (forecast.asked++ == 0) {
    forecast.plan = answer.plan;
    forecast.moved_slots = answer.moved_slots;
    forecast.replicas_before = answer.replicas_before;
    forecast.replicas_after = answer.replicas_after;
    forecast.live_copies_before = answer.live_copies_before;
    forecast.live_copies_after = answer.live_copies_after;
    forecast.shares = answer.shares;
    forecast.unsettled = answer.unsettled;
    return;
  }
  forecast.live_copies_before = std::min(forecast.live_copies_before, answer.live_copies_before);
  forecast.live_copies_after = std::min(forecast.live_copies_after, answer.live_copies_after);
  forecast.unsettled += answer.unsettled;
  for (std::size_t i = 0; i < std::min(forecast.shares.size(), answer.shares.size()); ++i) {
    forecast.shares[i].bytes_before += answer.shares[i].bytes_before;
    forecast.shares[i].bytes_after += answer.shares[i].bytes_after;
    forecast.shares[i].bytes_gained += answer.shares[i].bytes_gained;
  }
}

}  // namespace

Result<RingForecast> Client::plan_ring(const RingChange& change) {
  RingForecast forecast;
  std::optional<Error> last;
  for (const HolderAddress& member : session_->mesh().members) {
    if (!member.alive) continue;
    const Result<PlanAnswer> answer = PlanQuestion(*session_, change).ask(member.control);
    if (session_->cancelled()) return answer.error();
    if (!answer && answer.error().code != ErrorCode::unreachable &&
        answer.error().code != ErrorCode::timed_out) {
      return answer.error();
    }
    if (!answer) {
      last = answer.error();
      forecast.silent.push_back(member.control);
      continue;
    }
    if (forecast.asked > 0 && answer->plan != forecast.plan) {
      return Error{ErrorCode::overloaded,
                   "the nodes do not agree yet on the members and settings of the mesh; see "
                   "'pixmesh status', and try again in a moment"};
    }
    add(answer.value(), forecast);
  }
  if (forecast.asked == 0) {
    return last.value_or(Error{ErrorCode::unreachable, "no member answers"});
  }
  return forecast;
}

Result<std::string> Client::apply_plan(PlanId plan, bool accept_fewer_copies) {
  std::vector<HolderAddress> members = session_->mesh().members;
  std::erase_if(members, [](const HolderAddress& member) { return !member.alive; });
  const NodeId contact = session_->mesh().node;
  std::stable_partition(members.begin(), members.end(),
                        [&](const HolderAddress& member) { return member.node == contact; });
  Error last{ErrorCode::unreachable, "no member answers"};
  const auto ask = [&](const HolderAddress& member) {
    const ApplyRequest order{session_->next_operation(), plan, accept_fewer_copies};
    return answered(session_->ask<ApplyAnswer>(member.control, order, monotonic_now() + 10s));
  };
  for (const HolderAddress& member : members) {
    const auto answer = ask(member);
    if (answer && answer->node == member.node) return answer->detail;
    if (answer) {  // it knows whom the plan is about
      const auto meant = std::ranges::find(members, answer->node, &HolderAddress::node);
      if (meant == members.end()) {
        return Error{ErrorCode::unreachable, "node " + short_text(answer->node) +
                                                 ", which the plan is about, does not answer"};
      }
      const auto done = ask(*meant);
      if (!done) return done.error();
      return done->detail;
    }
    last = answer.error();
    const bool may_go_on = last.code == ErrorCode::not_found || last.code == ErrorCode::unreachable;
    if (session_->cancelled() || !may_go_on) return last;
  }
  return last;
}

Result<std::vector<PurgeReport>> Client::purge(const PurgeWish& wish) {
  std::vector<PurgeReport> reports;
  for (const HolderAddress& member : session_->mesh().members) {
    PurgeReport report{member.node, member.control, 0, 0, "the mesh does not hear from it"};
    if (member.alive) {
      const PurgeRequest question{session_->next_operation(), wish.sources, wish.names,
                                  wish.prefixes};
      const auto answer = session_->ask<PurgeAnswer>(
          member.control, question, monotonic_now() + session_->options().connect_timeout);
      if (session_->cancelled()) return answer.error();
      report.problem = answer ? std::string() : answer.error().detail;
      if (answer) report.dropped = answer->dropped;
      if (answer) report.bytes = answer->bytes;
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

RequestId Client::fresh_request() const { return session_->fresh_request(); }

Result<std::vector<WhyReport>> Client::why(RequestId request) {
  std::vector<WhyReport> reports;
  for (const HolderAddress& member : session_->mesh().members) {
    WhyReport report{member.control, {}, {}};
    if (member.alive) {
      const WhyRequest question{session_->next_operation(), request};
      auto answer = session_->ask<WhyAnswer>(member.control, question,
                                             monotonic_now() + session_->options().connect_timeout);
      if (session_->cancelled()) return answer.error();
      if (!answer) report.problem = answer.error().detail;
      if (answer) report.answer = std::move(answer).value();
    } else {
      report.problem = "the mesh does not hear from it";
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

Result<std::vector<NodeReport>> Client::tell(const CommandRequest& command,
                                             const std::vector<NodeId>& only) {
  std::vector<NodeReport> reports;
  for (const HolderAddress& member : session_->mesh().members) {
    if (!only.empty() && std::ranges::find(only, member.node) == only.end()) continue;
    NodeReport report{member.node, member.control, std::nullopt, {}};
    if (member.alive) {
      CommandRequest question = command;
      question.operation = session_->next_operation();
      const auto told = answered(session_->ask<CommandAnswer>(
          member.control, question, monotonic_now() + session_->options().connect_timeout));
      if (session_->cancelled()) return told.error();
      if (!told && told.error().code == ErrorCode::usage) return told.error();
      if (!told) report.problem = told.error().detail;
    } else {
      report.problem = "the mesh does not hear from it";
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace pixmesh
