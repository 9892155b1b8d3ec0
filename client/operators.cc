// What operators want of several members at once.
#include <algorithm>

#include "client/attempts.h"
#include "client/client.h"
#include "client/session.h"

namespace pixmesh {
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
