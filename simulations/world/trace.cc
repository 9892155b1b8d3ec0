#include "simulations/world/trace.h"

#include "base/digest.h"
#include "simulations/world/message_text.h"

namespace pixmesh {
namespace {

constexpr std::size_t kept_per_node = 40;

}  // namespace

void Trace::mix(std::uint64_t value) {
  digest_ = (digest_ ^ value) * 0x9e3779b97f4a7c15ULL;
  digest_ ^= digest_ >> 29;
}

void Trace::keep(std::uint32_t node, Entry entry) {
  if (told_) told_(line_of(node, entry));
  std::deque<Entry>& last = last_[node];
  last.push_back(std::move(entry));
  if (last.size() > kept_per_node) last.pop_front();
}

void Trace::add(Instant at, std::uint32_t node, std::uint64_t what) {
  ++count_;
  mix(static_cast<std::uint64_t>(at.time_since_epoch().count()));
  mix((std::uint64_t{node} << 32) ^ what);
}

void Trace::add(Instant at, std::uint32_t node, const HostEvent& event) {
  add(at, node, event.index());
  if (const auto* arrived = std::get_if<MessageArrived>(&event)) {
    mix(chunk_checksum(arrived->message));
    if (arrived->chunk) mix(arrived->chunk->checksum);
    keep(node, {at, "message", arrived->message, arrived->plane, arrived->link.raw});
  } else if (const auto* answered = std::get_if<DiskAnswered>(&event)) {
    mix(answered->ticket.raw * 2 + (answered->answer ? 1 : 0));
    if (!answered->answer) keep(node, {at, "disk error", {}, {}, {}});
  } else if (const auto* ended = std::get_if<ToolEnded>(&event)) {
    mix(static_cast<std::uint64_t>(ended->report.end));
    keep(node, {at, "tool ended", {}, {}, {}});
  } else if (std::holds_alternative<BackgroundDone>(event)) {
    keep(node, {at, "placement computed", {}, {}, {}});
  }
}

std::string Trace::line_of(std::uint32_t node, const Entry& entry) {
  std::string line = text_of_instant(entry.at) + "  node " + std::to_string(node) + "  ";
  if (entry.message.empty()) return line + std::string(entry.kind);
  return line + text_of_message(entry.plane, entry.message) + " on link " +
         std::to_string(entry.link);
}

std::vector<std::string> Trace::last_of(std::uint32_t node) const {
  std::vector<std::string> lines;
  const auto found = last_.find(node);
  if (found == last_.end()) return lines;
  for (const Entry& entry : found->second) lines.push_back(line_of(node, entry));
  return lines;
}

}  // namespace pixmesh
