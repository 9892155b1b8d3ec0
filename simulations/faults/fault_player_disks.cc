// The part of FaultPlayer that has disks fail, forget and spoil what they hold, and that puts in
// others.
#include <algorithm>
#include <utility>

#include "simulations/faults/draw.h"
#include "simulations/faults/fault_player.h"

namespace pixmesh {
namespace {

constexpr Duration back_after = 1s;                      // a node whose disk is rolled back
constexpr Duration fails_within = 10s;                   // one of several disks, or not at all
constexpr std::uint64_t disk_unit_bytes = 128ULL << 30;  // of what is added

}  // namespace

void FaultPlayer::begin_disk(const Event& fault) {
  const auto node = fault.node;
  VirtualDisk& disk = disk_of(fault);
  const auto count = static_cast<std::uint32_t>(fault.amount);
  switch (fault.kind) {
    case EventKind::disk_full:
      disk.trouble.full = true;
      return until(fault.lasting, [&disk] { disk.trouble.full = false; });
    case EventKind::disk_slow:
      disk.trouble.slower = std::chrono::microseconds(fault.amount);
      return until(fault.lasting, [&disk] { disk.trouble.slower = {}; });
    case EventKind::write_errors:
      return let_fail(fault, &VirtualDisk::Trouble::failing_writes);
    case EventKind::short_writes:
      disk.trouble.short_writes = count;
      return;
    case EventKind::sync_errors:
      return let_fail(fault, &VirtualDisk::Trouble::failing_syncs);
    case EventKind::read_errors:
      disk.trouble.failing_reads = count;
      return;
    case EventKind::misreads:
      disk.trouble.misdirected_reads = count;
      return;
    case EventKind::disk_lost:
      if (!world_.is_running(node) || !atlas_.may_destroy(node, false)) return;
      crash(node, fault.lasting);
      return world_.lose_disk(node, fault.disk);
    case EventKind::disk_rolled_back:
      return roll_back(fault);
    case EventKind::rot:
    case EventKind::zeroed:
      return rot(fault);
    case EventKind::destroyed:
      return destroy(fault);
    case EventKind::node_rolled_back:
      return roll_back_node(node, fault.lasting);
    case EventKind::twin:
      return begin_twin(node);
    default:
      return;
  }
}

VirtualDisk& FaultPlayer::disk_of(const Event& fault) const {
  return world_.disk(fault.node, fault.disk);
}

// One of several disks that fails for long is given up by its node, and what is on it gone.
void FaultPlayer::let_fail(const Event& fault, std::uint32_t VirtualDisk::Trouble::*errors) {
  VirtualDisk& disk = disk_of(fault);
  const bool may_be_given_up = world_.disks(fault.node).size() > 1;
  if (may_be_given_up && !atlas_.may_destroy(fault.node, false)) return;
  disk.trouble.*errors = static_cast<std::uint32_t>(fault.amount);
  if (may_be_given_up) until(fails_within, [&disk, errors] { disk.trouble.*errors = 0; });
}

void FaultPlayer::roll_back(const Event& fault) {
  const Instant taken_at = world_.now();
  const Duration age = fault.lasting;
  VirtualDisk& disk = disk_of(fault);
  until(age, [this, node = fault.node, age, taken_at, &disk, before = disk.contents()] {
    if (world_.now() - taken_at < std::min(age, noticed_from)) return;  // the faults ended earlier
    if (!world_.is_running(node) || !std::ranges::count(world_.disks(node), &disk)) return;
    if (!atlas_.may_destroy(node, false)) return;
    crash(node, back_after);
    disk.restore(before);
  });
}

// The images on all disks of a node, one disk after the other.
std::vector<std::pair<VirtualDisk*, std::string>> FaultPlayer::blobs_of(std::uint32_t node) const {
  std::vector<std::pair<VirtualDisk*, std::string>> blobs;
  for (VirtualDisk* disk : world_.disks(node)) {
    for (std::string& path : disk->blob_paths()) blobs.emplace_back(disk, std::move(path));
  }
  return blobs;
}

void FaultPlayer::rot(const Event& fault) {
  const auto blobs = blobs_of(fault.node);
  if (blobs.empty()) return;
  const auto& [place, path] = blobs[static_cast<std::uint64_t>(fault.amount) % blobs.size()];
  VirtualDisk& disk = *place;
  if (disk.file(path)->empty()) return;
  const bool zeroes = fault.kind == EventKind::zeroed;
  const bool beyond = !zeroes && fault.number > 0;
  if (!beyond && (!is_elsewhere(fault.node, path) || !atlas_.may_destroy(fault.node, false)))
    return;
  if (zeroes) return disk.zero_page(path, fault.number);
  disk.damage(path);
}

// The bytes are gone for good: at rest the mesh is to say so.
void FaultPlayer::destroy(const Event& fault) {
  const auto blobs = blobs_of(fault.node);
  if (blobs.empty()) return;
  const std::string path = blobs[static_cast<std::uint64_t>(fault.amount) % blobs.size()].second;
  world_.note_lost(path);
  for (std::uint32_t node = 0; node < world_.node_count(); ++node) {
    for (VirtualDisk* disk : world_.disks(node)) {
      const SharedBytes bytes = disk->file(path);
      if (!bytes || bytes->empty()) continue;
      if (fault.number % 2 == 0) {
        disk->damage(path);
      } else {
        disk->zero_page(path, fault.number);
      }
    }
  }
}

// Of what lies on one disk only, because nobody else has come yet or nobody was promised it,
// nothing is to be destroyed.
bool FaultPlayer::is_elsewhere(std::uint32_t node, const std::string& path) const {
  for (std::uint32_t other = 0; other < world_.node_count(); ++other) {
    if (other == node || atlas_.is_gone(other)) continue;
    for (const VirtualDisk* disk : world_.disks(other)) {
      const auto rotten = disk->rotten();
      const bool is_whole = std::find(rotten.begin(), rotten.end(), path) == rotten.end();
      if (disk->names(path) && disk->is_durable(path) && is_whole) return true;
    }
  }
  return false;
}

// The first folder changes only while the node is stopped.
void FaultPlayer::begin_bay(const Event& fault) {
  const auto node = fault.node;
  const auto& disks = world_.disks(node);
  if (!world_.is_running(node) || world_.has_twin(node)) return;
  const auto may_fail = [](const VirtualDisk* disk) { return disk->may_fail(); };
  if (fault.kind == EventKind::add_disk) {
    // One that is about to fail is not given up while it is the only one.
    if (disks.size() >= disks_max || std::ranges::any_of(disks, may_fail)) return;
    return world_.add_disk(node, static_cast<std::uint64_t>(fault.amount) * disk_unit_bytes);
  }
  VirtualDisk& disk = disk_of(fault);
  if (&disk == &world_.disk(node) || !atlas_.may_destroy(node, false)) return;
  disk.fail();
  until(fault.lasting, [this, node, &disk, kind = fault.kind] { exchange(node, disk, kind); });
}

// Somebody comes and takes the failed disk out, whether or not the node has tried it anew since.
void FaultPlayer::exchange(std::uint32_t node, const VirtualDisk& disk, EventKind kind) {
  const auto place = world_.place_of(node, disk);
  if (!place || !world_.is_running(node) || !atlas_.may_destroy(node, false)) return;
  if (kind == EventKind::replace_disk) {
    world_.replace_disk(node, *place);
  } else {
    world_.remove_disk(node, *place);
  }
}

}  // namespace pixmesh
