#include "client/client.h"

#include <algorithm>

#include "client/attempts.h"
#include "client/session.h"

namespace pixmesh {
namespace {

/// A write's answer as a result: fewer_copies is done, everything else above 0 is an error.
Result<WriteDone> checked(Result<WriteDone> done) {
  if (!done || done->code == ErrorCode{} || done->code == ErrorCode::fewer_copies) return done;
  return Error{done->code, done->detail};
}

}  // namespace

Client::Client(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::connect(ClientOptions options) {
  auto session = std::make_unique<Session>(std::move(options));
  if (auto learned = session->learn_mesh(); !learned) return learned.error();
  return std::unique_ptr<Client>(new Client(std::move(session)));
}

const MeshAnswer& Client::mesh() const { return session_->mesh(); }

Result<LookupAnswer> Client::stat(const std::string& name, bool strict) {
  return at_holder<LookupAnswer>(
      *session_, name, Burden::words, [&](const HolderAddress& holder, Instant limit) {
        const LookupRequest question{session_->next_operation(), name, strict};
        return answered(session_->ask<LookupAnswer>(holder.control, question, limit));
      });
}

Result<std::vector<CopyReport>> Client::verify(const std::string& name) {
  const auto found = stat(name, false);
  if (!found) return found.error();
  session_->forget_row(found->partition);
  const auto living =
      session_->holders_of_partition(found->partition, Burden::words, session_->deadline());
  if (!living) return living.error();
  std::vector<CopyReport> reports;
  for (const NodeId& node : found->lists.target) {
    CopyReport report{node, {}, ErrorCode::unreachable, "the mesh does not hear from it"};
    const auto holder = std::ranges::find(living.value(), node, &HolderAddress::node);
    if (holder != living->end()) {
      report.control = holder->control;
      const VerifyRequest question{session_->next_operation(), found->partition,
                                   found->record.digest};
      const auto answer =
          session_->ask<VerifyAnswer>(holder->control, question, session_->deadline());
      if (session_->cancelled()) return answer.error();
      report.code = answer ? answer->code : answer.error().code;
      report.detail = answer ? answer->detail : answer.error().detail;
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

Result<WriteDone> Client::remove(const std::string& name) {
  const RequestId request = session_->fresh_request();
  return at_holder<WriteDone>(
      *session_, name, Burden::words, [&](const HolderAddress& holder, Instant limit) {
        const RemoveRequest question{session_->next_operation(), request, name};
        return checked(session_->ask<WriteDone>(holder.control, question, limit));
      });
}

Result<WriteDone> Client::tag(const std::string& name, const std::vector<Tag>& changes) {
  const RequestId request = session_->fresh_request();
  return at_holder<WriteDone>(
      *session_, name, Burden::words, [&](const HolderAddress& holder, Instant limit) {
        const TagRequest question{session_->next_operation(), request, name, changes};
        return checked(session_->ask<WriteDone>(holder.control, question, limit));
      });
}

Result<WriteDone> Client::copy(const std::string& from, const std::string& to) {
  const auto source = stat(from, true);  // after a move nothing else would be left
  if (!source) return source.error();
  std::vector<NodeId> givers;
  for (const HolderAddress& holder : source->holders) givers.push_back(holder.node);
  const RequestId request = session_->fresh_request();
  return at_holder<WriteDone>(
      *session_, to, Burden::words, [&](const HolderAddress& holder, Instant limit) {
        const CopyRequest question{session_->next_operation(), request, to, source->record, givers};
        return checked(session_->ask<WriteDone>(holder.control, question, limit));
      });
}

Result<bool> Client::list(const std::string& prefix, const std::vector<Tag>& tags,
                          const std::function<bool(const ListEntry&)>& each) {
  bool complete = true;
  ListRequest page;
  page.prefix = prefix;
  page.tags = tags;
  for (;;) {
    const auto answer =
        at_contact<ListAnswer>(*session_, [&](const std::string& node, Instant limit) {
          page.operation = session_->next_operation();
          return answered(session_->ask<ListAnswer>(node, page, limit));
        });
    if (!answer) return answer.error();
    complete = complete && answer->complete;
    for (const ListEntry& entry : answer->entries) {
      page.after = entry.name;
      const bool wanted =
          !entry.tombstone && std::all_of(tags.begin(), tags.end(), [&](const Tag& tag) {
            return std::find(entry.tags.begin(), entry.tags.end(), tag) != entry.tags.end();
          });
      if (wanted && !each(entry)) return complete;
    }
    if (!answer->more || answer->entries.empty()) return complete;
  }
}

Duration Client::retry_after() const { return session_->retry_after; }

Result<RunCandidates> Client::plan(const RunOptions& options) {
  const RequestId request = session_->fresh_request();
  auto plan = plan_run(*session_, options, request, false);
  if (plan) {  // nothing will be started: take the announcement back
    for (const RunCandidate& candidate : plan->candidates) {
      (void)session_->send(candidate.control, RunCancel{request});
    }
  }
  return plan;
}

Result<std::vector<NodeReport>> Client::status() {
  const auto own = at_contact<StatusAnswer>(*session_, [&](const std::string& node, Instant limit) {
    return session_->ask<StatusAnswer>(node, StatusRequest{session_->next_operation()}, limit);
  });
  if (!own) return own.error();
  std::vector<NodeReport> reports;
  for (const MemberStatus& member : own->members) {
    NodeReport report{member.node, member.control, std::nullopt, {}};
    if (member.node == own->node) {
      report.status = own.value();
    } else if (member.state != "left" && member.state != "evicted" && member.life == "alive") {
      auto answer =
          session_->ask<StatusAnswer>(member.control, StatusRequest{session_->next_operation()},
                                      monotonic_now() + session_->options().connect_timeout);
      if (session_->cancelled()) return answer.error();
      if (answer) {
        report.status = std::move(answer).value();
      } else {
        report.problem = answer.error().detail;
      }
    } else {
      report.problem = member.state == "active" ? member.life : member.state;
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

Result<std::vector<NodeReport>> Client::scrub() {
  auto answered_by = status();
  if (!answered_by) return answered_by;
  std::vector<NodeReport> reports = std::move(answered_by).value();
  for (NodeReport& report : reports) {
    if (!report.status) continue;
    CommandRequest question;
    question.operation = session_->next_operation();
    question.command = NodeCommand::scrub;
    const auto told = answered(session_->ask<CommandAnswer>(
        report.control, question, monotonic_now() + session_->options().connect_timeout));
    if (session_->cancelled()) return told.error();
    if (!told) report.problem = told.error().detail;
  }
  return reports;
}

Result<std::vector<RecipeStatus>> Client::recipes() {
  auto answer = at_contact<RecipesAnswer>(*session_, [&](const std::string& node, Instant limit) {
    return session_->ask<RecipesAnswer>(node, RecipesRequest{session_->next_operation()}, limit);
  });
  if (!answer) return answer.error();
  return std::move(answer).value().recipes;
}

Result<std::vector<RecipeCost>> Client::costs() {
  std::vector<RecipeCost> costs;
  for (bool more = true; more;) {
    const std::string after = costs.empty() ? "" : costs.back().recipe;
    auto page = at_contact<CostsAnswer>(*session_, [&](const std::string& node, Instant limit) {
      return session_->ask<CostsAnswer>(node, CostsRequest{session_->next_operation(), after},
                                        limit);
    });
    if (!page) return page.error();
    more = page->more && !page->costs.empty();
    std::ranges::move(page->costs, std::back_inserter(costs));
  }
  return costs;
}

Result<std::string> Client::command(const CommandRequest& command) {
  CommandRequest question = command;
  question.operation = session_->next_operation();
  const auto answer =
      answered(session_->ask<CommandAnswer>(session_->contact(), question, session_->deadline()));
  if (!answer) return answer.error();
  return answer->detail;
}

}  // namespace pixmesh
