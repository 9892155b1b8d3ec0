#include "cli/repair_status.h"

#include <map>

namespace pixmesh {

std::vector<VotedMember> voted_members(const std::vector<NodeReport>& reports) {
  std::map<NodeId, VotedMember> voted;
  for (const NodeReport& report : reports) {
    if (!report.status) continue;
    for (const VoteStatus& vote : report.status->votes) {
      if (has_gone(reports, vote.node)) continue;
      VotedMember& member = voted[vote.node];
      member.node = vote.node;
      member.told = member.told || vote.told;
      if (member.waits_for.empty()) member.waits_for = vote.waits_for;
      const MemberStatus* known = member_of(reports, vote.node);
      if (known != nullptr) member.control = known->control;
    }
  }
  std::vector<VotedMember> members;
  for (auto& [node, member] : voted) members.push_back(std::move(member));
  return members;
}

std::optional<Duration> repair_eta(const MeshSums& sums) {
  if (sums.to_copy_bytes == 0) return Duration{};
  if (sums.bytes_a_second == 0) return std::nullopt;
  return std::chrono::seconds(sums.to_copy_bytes / sums.bytes_a_second) + 1s;
}

std::string repair_text(const MeshSums& sums) {
  if (sums.under_replicated + sums.to_copy_bytes + sums.syncs == 0) return "";
  std::string text = std::to_string(sums.under_replicated) + " images (" +
                     size_at_a_glance(sums.short_bytes) + ") short of copies, " +
                     size_at_a_glance(sums.to_copy_bytes) + " to copy, " +
                     std::to_string(sums.syncs) + " partitions in work at " +
                     size_at_a_glance(sums.bytes_a_second) + "/s";
  const auto eta = repair_eta(sums);
  if (sums.to_copy_bytes > 0) {
    text += eta ? ", about " + span_at_a_glance(*eta) + " left" : ", no telling how long";
  }
  if (sums.paused > 0) text += "; paused on " + std::to_string(sums.paused) + " nodes";
  return text;
}

std::string orders_text(const RepairStatus& repair) {
  std::string text;
  if (repair.paused_seconds > 0) {
    text = "paused for " + span_at_a_glance(std::chrono::seconds(repair.paused_seconds)) +
           " more ('pixmesh repair resume' ends that)";
  }
  if (repair.rate > 0) {
    text += (text.empty() ? "" : ", ") + ("at most " + size_at_a_glance(repair.rate)) +
            "/s ('pixmesh repair throttle off' ends that)";
  }
  return text;
}

}  // namespace pixmesh
