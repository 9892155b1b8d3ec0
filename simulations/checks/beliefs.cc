#include "simulations/checks/beliefs.h"

#include <utility>

namespace pixmesh {
namespace {

constexpr unsigned long own_silence_ms = 50;  // nobody is suspected who was heard more lately

std::string field(const std::string& fields, const std::string& key) {
  const std::size_t at = fields.find(key);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + key.size();
  return fields.substr(begin, fields.find(' ', begin) - begin);
}

}  // namespace

void Beliefs::forget(std::uint32_t node) {
  read_on();
  silent_.erase(node);
  alive_.erase(node);
}

std::optional<Instant> Beliefs::silent_since(std::uint32_t node, NodeId member) {
  read_on();
  const auto& silent = silent_[node];
  const auto found = silent.find(member);
  return found == silent.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Beliefs::Accusation> Beliefs::take_accusations() {
  read_on();
  return std::exchange(accusations_, {});
}

void Beliefs::read_on() {
  const auto& log = world_.log();
  for (; next_ < log.size(); ++next_) {
    const LoggedEvent& line = log[next_];
    const bool is_new = line.name == "member_record";  // who comes back begins anew
    if (line.name != "member_changed" && !is_new) continue;
    const auto member = member_named(field(line.fields, "member="));
    if (!member) continue;
    if (is_new) {
      silent_[line.node].erase(*member);
      continue;
    }
    const std::string state = field(line.fields, "state=");
    if (state == "alive") {
      silent_[line.node].erase(*member);
      alive_[line.node].insert(*member);
      continue;
    }
    alive_[line.node].erase(*member);
    silent_[line.node].try_emplace(*member, line.at);
    const bool itself = field(line.fields, "by=") == short_text(world_.id_of(line.node));
    if (state != "suspect" || !itself) continue;
    // What it said in an earlier life comes back to one that has just begun anew.
    const bool is_echo = std::stoul("0" + field(line.fields, "silent_for=")) < own_silence_ms;
    if (is_echo) continue;
    accusations_.push_back({line.node, *member, alive_[line.node].size()});
  }
}

std::optional<NodeId> Beliefs::member_named(const std::string& short_name) const {
  for (std::uint32_t node = 0; node < world_.node_count(); ++node) {
    if (short_text(world_.id_of(node)) == short_name) return world_.id_of(node);
  }
  return std::nullopt;
}

}  // namespace pixmesh
