// Status as JSON.
#include "cli/mesh_status.h"
#include "cli/repair_status.h"

namespace pixmesh {
namespace {

Json json_of(const MemberStatus& member) {
  return Json{{"node", to_text(member.node)},
              {"address", member.control},
              {"bulk", member.bulk},
              {"zone", member.zone},
              {"weight", member.weight},
              {"state", member.state},
              {"life", member.life},
              {"no_new_work", member.no_new_work},
              {"target_slots_micro", member.target_slots_micro},
              {"slots", member.slots},
              {"awaited_by", member.awaited_by},
              {"awaited_images", member.awaited_images}};
}

Json json_of(const DiskStatus& disk) {
  return Json{{"folder", disk.folder},
              {"state", disk.state},
              {"free_bytes", disk.free_bytes},
              {"total_bytes", disk.total_bytes},
              {"images", disk.images},
              {"bytes", disk.bytes},
              {"damaged", disk.damaged},
              {"found_damaged", disk.found_damaged},
              {"scrubs", disk.scrubs},
              {"scrub_permille", disk.scrub_permille},
              {"scrub_hurried", disk.scrub_hurried}};
}

Json json_of(const SentStatus& sent) {
  return Json{{"membership_bytes", sent.membership},
              {"repair_bytes", sent.repair},
              {"other_bytes", sent.other},
              {"messages", sent.messages}};
}

Json json_of(const ClockStatus& clock) {
  return Json{{"clocks", clock.clocks},
              {"ahead_ms", clock.ahead_ms},
              {"behind_ms", clock.behind_ms},
              {"orders_writes", clock.orders_writes}};
}

Json json_of(const RepairStatus& repair) {
  return Json{{"paused_seconds", repair.paused_seconds},
              {"rate", repair.rate},
              {"yields", repair.yields},
              {"running", repair.running},
              {"waiting", repair.waiting},
              {"short_bytes", repair.short_bytes},
              {"to_copy_bytes", repair.to_copy_bytes},
              {"copied_bytes", repair.copied_bytes},
              {"bytes_a_second", repair.bytes_a_second},
              {"recovering", repair.recovering},
              {"recovering_bytes", repair.recovering_bytes}};
}

Json json_of(const ResultsStatus& results) {
  return Json{{"entries", results.entries}, {"bytes", results.bytes},   {"quota", results.quota},
              {"hits", results.hits},       {"misses", results.misses}, {"joined", results.joined}};
}

void add_counts(const StatusAnswer& status, Json& object) {
  object.update(Json{{"version", status.version},
                     {"epoch", to_text(status.epoch)},
                     {"sandbox", status.sandbox},
                     {"shells", status.shells},
                     {"uptime_seconds", status.uptime_seconds},
                     {"images", status.images},
                     {"bytes", status.bytes},
                     {"disk_free_bytes", status.disk_free_bytes},
                     {"disk_total_bytes", status.disk_total_bytes},
                     {"under_replicated", status.under_replicated},
                     {"unsettled", status.unsettled},
                     {"to_sync", status.to_sync},
                     {"moved_bytes", status.moved_bytes},
                     {"moved_files", status.moved_files},
                     {"hints", status.hints},
                     {"frozen", status.frozen},
                     {"workers", status.workers},
                     {"running", status.running},
                     {"queued", status.queued},
                     {"tool_memory_bytes", status.tool_memory_bytes},
                     {"tool_memory_taken", status.tool_memory_taken},
                     {"dropped_messages", status.dropped_messages},
                     {"malformed_messages", status.malformed_messages},
                     {"waits_for", status.waits_for}});
  object["repair"] = json_of(status.repair);
  object["clock"] = json_of(status.clock);
  object["sent"] = json_of(status.sent);
  object["results"] = json_of(status.results);
  object["votes"] = Json::array();
  for (const VoteStatus& vote : status.votes) {
    object["votes"].push_back(
        Json{{"node", to_text(vote.node)}, {"told", vote.told}, {"waits_for", vote.waits_for}});
  }
  object["disks"] = Json::array();
  for (const DiskStatus& disk : status.disks) object["disks"].push_back(json_of(disk));
}

Json json_of(const NodeReport& report, const MemberStatus* member) {
  Json object{{"node", to_text(report.node)}, {"address", report.control}};
  if (member != nullptr) object["member"] = json_of(*member);
  object["answered"] = report.status.has_value();
  if (!report.status) object["problem"] = report.problem;
  if (report.status) add_counts(*report.status, object);
  return object;
}

Json json_of(const MeshSums& sums) {
  Json object{{"nodes", sums.nodes},
              {"silent", sums.silent},
              {"changing", sums.changing},
              {"copies", sums.copies},
              {"bytes", sums.bytes},
              {"under_replicated", sums.under_replicated},
              {"begun_anew", sums.begun_anew},
              {"unsettled", sums.unsettled},
              {"to_sync", sums.to_sync},
              {"hints", sums.hints},
              {"moved_bytes", sums.moved_bytes},
              {"slots", sums.slots},
              {"planned_slots", sums.planned_slots},
              {"ideal_slots", sums.ideal_slots},
              {"ideal_bytes", bytes_of_slots(sums, sums.ideal_slots)},
              {"running", sums.running},
              {"queued", sums.queued},
              {"disks_failed", sums.disks_failed},
              {"disks_full", sums.disks_full},
              {"frozen", sums.frozen},
              {"calm", is_calm(sums)}};
  object.update(Json{{"short_bytes", sums.short_bytes},
                     {"to_copy_bytes", sums.to_copy_bytes},
                     {"bytes_a_second", sums.bytes_a_second},
                     {"paused", sums.paused},
                     {"votes", sums.votes}});
  const auto eta = repair_eta(sums);
  object["eta_seconds"] = eta ? Json((*eta + 999ms) / 1s) : Json();
  return object;
}

}  // namespace

Json status_json(const std::vector<NodeReport>& reports) {
  Json object = Json::object();
  for (const NodeReport& report : reports) {
    if (!report.status || object.contains("mesh")) continue;
    object["mesh"] = to_text(report.status->mesh);
    object["replicas"] = report.status->replicas;
    object["write_quorum"] = report.status->write_quorum;
    object["partitions"] = 1ULL << report.status->partition_bits;
  }
  object["totals"] = json_of(sums_of(reports));
  object["votes"] = Json::array();
  for (const VotedMember& member : voted_members(reports)) {
    object["votes"].push_back(Json{{"node", to_text(member.node)},
                                   {"address", member.control},
                                   {"told", member.told},
                                   {"waits_for", member.waits_for}});
  }
  object["awaited"] = Json::array();
  for (const AwaitedMember& member : awaited_members(reports)) {
    object["awaited"].push_back(Json{{"node", to_text(member.node)},
                                     {"address", member.control},
                                     {"partitions", member.partitions},
                                     {"images", member.images}});
  }
  object["nodes"] = Json::array();
  for (const NodeReport& report : reports) {
    object["nodes"].push_back(json_of(report, member_of(reports, report.node)));
  }
  return object;
}

}  // namespace pixmesh
