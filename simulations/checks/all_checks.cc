#include "simulations/checks/all_checks.h"

#include <algorithm>

namespace pixmesh {

bool Scene::loses_disk(std::uint32_t node) const {
  const bool has_several = (node < scenario.nodes.size() && scenario.nodes[node].disks > 1) ||
                           std::ranges::any_of(scenario.events, [node](const Event& event) {
                             return event.node == node && event.kind == EventKind::add_disk;
                           });
  return loses_state(node) || std::ranges::any_of(scenario.events, [&](const Event& event) {
           const bool is_lost =
               event.kind == EventKind::disk_lost || event.kind == EventKind::disk_rolled_back ||
               event.kind == EventKind::replace_disk || event.kind == EventKind::remove_disk;
           const bool may_be_given_up =
               event.kind == EventKind::write_errors || event.kind == EventKind::sync_errors;
           return event.node == node && (is_lost || (has_several && may_be_given_up));
         });
}

bool Scene::loses_state(std::uint32_t node) const {
  return std::ranges::any_of(scenario.events, [node](const Event& event) {
    return event.node == node &&
           (event.kind == EventKind::node_rolled_back || event.kind == EventKind::twin);
  });
}
namespace {

constexpr std::uint64_t steps_between_scans = 1'000;
// Bounds waits for conversations that time out, which the checks behind it profit from.
constexpr std::array makers{make_i12, make_i01, make_i02, make_i03, make_i04, make_i05,
                            make_i06, make_i07, make_i08, make_i09, make_i10, make_i11,
                            make_i13, make_i14, make_i15, make_i16, make_i17, make_clock_rule};

}  // namespace

AllChecks::AllChecks(const Scene& scene) {
  for (const auto make : makers) checks_.push_back(make(scene));
}

void AllChecks::at_rest() {
  for (const auto& check : checks_) check->at_rest();
}

void AllChecks::on_step(std::uint32_t node) {
  for (const auto& check : checks_) check->on_step(node);
  if (++steps_ % steps_between_scans != 0) return;
  for (const auto& check : checks_) check->on_scan();
}

void AllChecks::on_record_changing(std::uint32_t node, const VirtualDisk::Key& key,
                                   const std::string& name, bool dropping) {
  for (const auto& check : checks_) check->on_record_changing(node, key, name, dropping);
}

void AllChecks::on_crashed(std::uint32_t node) {
  for (const auto& check : checks_) check->on_crashed(node);
}

void AllChecks::on_sent(PartyId from, PartyId to, Plane plane, ByteView message) {
  for (const auto& check : checks_) check->on_sent(from, to, plane, message);
}

void AllChecks::on_write(const WriteSeen& seen) {
  for (const auto& check : checks_) check->on_write(seen);
}

void AllChecks::on_lookup(const LookupSeen& seen) {
  for (const auto& check : checks_) check->on_lookup(seen);
}

void AllChecks::on_bytes(const BytesSeen& seen) {
  for (const auto& check : checks_) check->on_bytes(seen);
}

void AllChecks::on_list(const ListSeen& seen) {
  for (const auto& check : checks_) check->on_list(seen);
}

void AllChecks::on_run(const RunSeen& seen) {
  for (const auto& check : checks_) check->on_run(seen);
}

}  // namespace pixmesh
