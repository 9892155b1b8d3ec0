#include "cli/mesh_status.h"

#include <algorithm>
#include <map>
#include <set>

#include "cli/repair_status.h"

namespace pixmesh {
namespace {

bool is_gone(const MemberStatus& member) {
  return member.state == "left" || member.state == "evicted";
}

std::uint32_t count_disks(const StatusAnswer& status, std::string_view state) {
  return static_cast<std::uint32_t>(std::ranges::count(status.disks, state, &DiskStatus::state));
}

constexpr std::uint64_t notable_clock_ms = 5'000;

std::string clock_text(const ClockStatus& clock) {
  const std::uint64_t distance = clock.ahead_ms + clock.behind_ms;
  if (distance < notable_clock_ms) return {};
  return "clock " + std::to_string((distance + 500) / 1000) +
         (clock.behind_ms > 0 ? " s behind" : " s ahead");
}

/// "active", or what is wrong: "dead", "active, suspect".
std::string condition_of(const NodeReport& report, const MemberStatus* member) {
  if (member == nullptr) return report.status ? "unknown" : "silent";
  std::string text = member->state;
  if (member->life != "alive" && member->life != member->state) text += ", " + member->life;
  if (!report.status && member->life == "alive") text += ", silent";
  if (member->no_new_work) text += ", drained";
  if (!report.status) return text;
  if (report.status->frozen) text += ", frozen";
  const std::string clock = clock_text(report.status->clock);
  if (!clock.empty()) text += ", " + clock;
  if (report.status->sandbox == "off") text += ", no sandbox";
  for (const char* trouble : {"failed", "full"})
    if (count_disks(*report.status, trouble) > 0) text += std::string(", disk ") + trouble;
  return text;
}

Colour colour_of(const NodeReport& report, const MemberStatus* member) {
  if (member != nullptr && is_gone(*member)) return Colour::dim;
  if (!report.status) return Colour::red;
  const bool fine = member != nullptr && member->state == "active" && member->life == "alive";
  const bool disks_fine = count_disks(*report.status, "ok") == report.status->disks.size();
  const bool clock_fine = clock_text(report.status->clock).empty();
  return fine && disks_fine && clock_fine && !report.status->frozen ? Colour::plain
                                                                    : Colour::yellow;
}

std::string slots_of(const MemberStatus* member) {
  if (member == nullptr) return "-";
  return std::to_string(member->slots) + " (" +
         ratio_text(100'000'000ULL * member->slots, member->target_slots_micro) + "%)";
}

std::vector<std::string> cells_of(const NodeReport& report, const MemberStatus* member) {
  const std::string zone = member == nullptr ? "-" : member->zone;
  std::vector<std::string> cells{short_text(report.node), report.control, zone,
                                 condition_of(report, member)};
  if (!report.status) {
    cells.insert(cells.end(), {"-", "-", slots_of(member), "-", "-", "-"});
    return cells;
  }
  const StatusAnswer& status = *report.status;
  cells.insert(cells.end(),
               {std::to_string(status.images), size_at_a_glance(status.bytes), slots_of(member),
                std::to_string(status.running) + "/" + std::to_string(status.workers),
                std::to_string(status.queued), std::to_string(status.unsettled + status.to_sync)});
  return cells;
}

void add_report(const StatusAnswer& status, MeshSums& sums) {
  sums.copies += status.images;
  sums.bytes += status.bytes;
  sums.under_replicated += status.under_replicated;
  sums.begun_anew += status.begun_anew;
  sums.unsettled += status.unsettled;
  sums.to_sync += status.to_sync;
  sums.hints += status.hints;
  sums.moved_bytes += status.moved_bytes;
  sums.disks_failed += count_disks(status, "failed");
  sums.disks_full += count_disks(status, "full");
  if (status.ideal_slots > sums.ideal_slots) {  // a newcomer does not know what was before it
    sums.ideal_slots = status.ideal_slots;
    sums.planned_slots = status.planned_slots;
  }
  std::uint64_t slots = 0;
  for (const MemberStatus& member : status.members) slots += member.slots;
  sums.slots = std::max(sums.slots, slots);
  sums.running += status.running;
  sums.queued += status.queued;
  sums.short_bytes += status.repair.short_bytes;
  sums.to_copy_bytes += status.repair.to_copy_bytes;
  sums.bytes_a_second += status.repair.bytes_a_second;
  sums.recovering += status.repair.recovering;
  sums.recovering_bytes += status.repair.recovering_bytes;
  sums.syncs += status.repair.running + status.repair.waiting;
  sums.paused += status.repair.paused_seconds > 0 ? 1 : 0;
  sums.frozen = sums.frozen || status.frozen;
}

// Who has lost something does not know how much: as much as the others have in as many slots.
std::uint64_t bytes_to_fill(const MeshSums& sums) {
  if (sums.recovering == 0 || sums.slots <= sums.recovering) return 0;
  MeshSums others;
  others.slots = sums.slots - sums.recovering;
  others.bytes = sums.bytes - std::min(sums.bytes, sums.recovering_bytes);
  const std::uint64_t whole = bytes_of_slots(others, sums.recovering);
  return whole - std::min(whole, sums.recovering_bytes);
}

void append_count(std::string& text, std::uint64_t count, const std::string& what) {
  if (count > 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
}

}  // namespace

std::uint64_t bytes_of_slots(const MeshSums& sums, std::uint64_t slots) {
  return sums.slots == 0
             ? 0
             : sums.bytes / sums.slots * slots + sums.bytes % sums.slots * slots / sums.slots;
}

const MemberStatus* member_of(const std::vector<NodeReport>& reports, NodeId node) {
  for (const NodeReport& report : reports) {
    if (!report.status) continue;
    const auto found = std::ranges::find(report.status->members, node, &MemberStatus::node);
    if (found != report.status->members.end()) return &*found;
  }
  return nullptr;
}

bool has_gone(const std::vector<NodeReport>& reports, NodeId node) {
  const MemberStatus* member = member_of(reports, node);
  return member != nullptr && is_gone(*member);
}

MeshSums sums_of(const std::vector<NodeReport>& reports) {
  MeshSums sums;
  std::set<Epoch> epochs;
  for (const NodeReport& report : reports) {
    if (has_gone(reports, report.node)) continue;
    ++sums.nodes;
    const MemberStatus* member = member_of(reports, report.node);
    if (member != nullptr && member->state != "active") ++sums.changing;
    if (!report.status) {
      ++sums.silent;
      continue;
    }
    epochs.insert(report.status->epoch);
    add_report(*report.status, sums);
  }
  sums.epochs_differ = epochs.size() > 1;
  sums.to_copy_bytes += bytes_to_fill(sums);
  sums.votes = static_cast<std::uint32_t>(voted_members(reports).size());
  return sums;
}

bool is_calm(const MeshSums& sums) { return sums.nodes > 0 && unrest_of(sums).empty(); }

std::string unrest_of(const MeshSums& sums) {
  std::string text;
  append_count(text, sums.silent, sums.silent == 1 ? "node silent" : "nodes silent");
  append_count(text, sums.changing, "joining or leaving");
  append_count(text, sums.under_replicated, "images under-replicated");
  append_count(text, sums.unsettled, "partitions unsettled");
  append_count(text, sums.to_sync, "partitions to sync");
  append_count(text, sums.hints, sums.hints == 1 ? "hint waits" : "hints wait");
  append_count(text, sums.disks_failed, sums.disks_failed == 1 ? "disk failed" : "disks failed");
  append_count(text, sums.disks_full, sums.disks_full == 1 ? "disk full" : "disks full");
  if (sums.epochs_differ)
    text += std::string(text.empty() ? "" : ", ") + "a new member list spreads";
  return text;
}

TextTable status_table(const std::vector<NodeReport>& reports) {
  TextTable table({{"NODE"},
                   {"ADDRESS"},
                   {"ZONE"},
                   {"STATE"},
                   {"IMAGES", Align::right},
                   {"BYTES", Align::right},
                   {"SLOTS (OF TARGET)", Align::right},
                   {"RUNNING", Align::right},
                   {"QUEUED", Align::right},
                   {"MOVING", Align::right}});
  for (const NodeReport& report : reports) {
    const MemberStatus* member = member_of(reports, report.node);
    table.add(cells_of(report, member), colour_of(report, member));
  }
  return table;
}

std::vector<AwaitedMember> awaited_members(const std::vector<NodeReport>& reports) {
  std::map<NodeId, AwaitedMember> sums;
  for (const NodeReport& report : reports) {
    if (!report.status) continue;
    for (const MemberStatus& member : report.status->members) {
      if (member.awaited_by == 0) continue;
      AwaitedMember& sum = sums[member.node];
      sum.node = member.node;
      sum.control = member.control;
      sum.partitions += member.awaited_by;
      sum.images += member.awaited_images;
    }
  }
  std::vector<AwaitedMember> awaited;
  for (const auto& [node, sum] : sums) awaited.push_back(sum);
  return awaited;
}

std::string clock_trouble_of(const NodeReport& node) {
  if (!node.status) return {};
  const ClockStatus& clock = node.status->clock;
  const std::string distance = clock_text(clock);
  if (distance.empty()) return {};
  std::string text = "node " + short_text(node.node) + ": " + distance +
                     (clock.behind_ms > 0 ? " " : " of ") +
                     (clock.clocks == 2 ? "the other node's" : "the lower median");
  if (!clock.orders_writes) text += ", so it coordinates no writes until it is right";
  return text + ". Set it right there (chronyc makestep); the node notices by itself.\n";
}

std::vector<RingShare> ring_shares(const std::vector<NodeReport>& reports) {
  std::vector<RingShare> shares;
  const auto answered = std::ranges::find_if(
      reports, [](const NodeReport& report) { return report.status.has_value(); });
  if (answered == reports.end()) return shares;
  for (const MemberStatus& member : answered->status->members) {
    if (is_gone(member)) continue;
    RingShare share;
    share.member = member;
    share.ratio = ratio_text(1'000'000ULL * member.slots, member.target_slots_micro);
    shares.push_back(std::move(share));
  }
  return shares;
}

}  // namespace pixmesh
