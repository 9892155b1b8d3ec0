#include "node/disk_places.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/bytes.h"
#include "node/placements.h"
#include "node/state_writer.h"

namespace pixmesh {
namespace {

constexpr std::string_view lies_prefix = "lies/";
constexpr std::uint8_t is_doubted = 1;

struct Row {
  std::array<std::uint8_t, 16> disk{};
  bool doubted = false;
};

std::string key_of(PartitionId partition) {
  return std::string(lies_prefix) + hex_of(row_prefix(partition));
}

TableRow row_of(PartitionId partition, const DiskDescription& disk, bool doubted) {
  Bytes value(disk.id.begin(), disk.id.end());
  if (doubted) value.push_back(is_doubted);
  return fact_row(key_of(partition), std::move(value));
}

std::map<PartitionId, Row> rows_in(const TableRows& facts) {
  std::map<PartitionId, Row> rows;
  for (const auto& [key, value] : facts.rows) {
    const std::string_view name = text_of(key);
    std::array<std::uint8_t, 4> partition{};
    if (!name.starts_with(lies_prefix) || !parse_hex(name.substr(lies_prefix.size()), partition))
      continue;
    Row row;
    if (value.size() < row.disk.size()) continue;
    std::copy_n(value.begin(), row.disk.size(), row.disk.begin());
    row.doubted = value.size() > row.disk.size();
    rows[partition_in_row(partition)] = row;
  }
  return rows;
}

std::optional<std::uint32_t> number_of(const std::vector<DiskDescription>& disks,
                                       const std::array<std::uint8_t, 16>& id) {
  const auto found = std::ranges::find(disks, id, &DiskDescription::id);
  if (found == disks.end() || found->gone) return std::nullopt;
  return static_cast<std::uint32_t>(found - disks.begin());
}

}  // namespace

DiskPlaces::DiskPlaces(const std::vector<DiskDescription>& disks,
                       const std::vector<DiskDescription>& known, const TableRows& facts,
                       std::uint32_t partition_count)
    : disks_(disks), lies_(partition_count), wanted_(partition_count), lost_(partition_count) {
  const std::map<PartitionId, Row> rows = rows_in(facts);
  for (std::uint32_t raw = 0; raw < partition_count; ++raw) {
    const PartitionId partition{raw};
    wanted_[raw] = lies_[raw] = choose_disk(partition, disks);
    const auto row = rows.find(partition);
    if (row != rows.end()) {
      with_rows_.push_back(partition);
      if (row->second.doubted) doubted_.push_back(partition);
    }
    if (known.empty()) continue;
    const auto before = row != rows.end()
                            ? number_of(disks, row->second.disk)
                            : number_of(disks, known[choose_disk(partition, known)].id);
    if (before) lies_[raw] = *before;
    lost_[raw] = !before;
    const bool is_noted = row != rows.end() && row->second.doubted;
    if (!before && !is_noted) doubted_.push_back(partition);
  }
}

std::vector<PartitionId> DiskPlaces::to_move() const {
  std::vector<PartitionId> found;
  for (std::uint32_t raw = 0; raw < lies_.size(); ++raw) {
    if (lies_[raw] != wanted_[raw]) found.push_back(PartitionId{raw});
  }
  return found;
}

std::vector<TableRow> DiskPlaces::rows() const {
  std::vector<TableRow> rows;
  for (const PartitionId partition : with_rows_) {
    if (lies_[partition.raw] == wanted_[partition.raw]) rows.push_back(moved_row(partition));
  }
  for (const PartitionId partition : to_move()) {
    rows.push_back(row_of(partition, disks_[lies_[partition.raw]], false));
  }
  for (const PartitionId partition : doubted_) {
    rows.push_back(row_of(partition, disks_[lies_[partition.raw]], true));
  }
  return rows;
}

std::vector<TableRow> DiskPlaces::end_doubts() {
  std::vector<TableRow> rows;
  for (const PartitionId partition : std::exchange(doubted_, {})) {
    const std::uint32_t disk = lies_[partition.raw];
    const bool in_place = disk == wanted_[partition.raw];
    rows.push_back(in_place ? moved_row(partition) : row_of(partition, disks_[disk], false));
  }
  return rows;
}

DiskPlaces DiskPlaces::with(const std::vector<DiskDescription>& disks) const {
  DiskPlaces next;
  next.disks_ = disks;
  next.lies_ = lies_;
  next.wanted_.resize(lies_.size());
  next.lost_.resize(lies_.size());
  next.with_rows_ = to_move();
  next.doubted_ = doubted_;
  for (std::uint32_t raw = 0; raw < lies_.size(); ++raw) {
    const PartitionId partition{raw};
    next.wanted_[raw] = choose_disk(partition, disks);
    if (!disks[lies_[raw]].gone) continue;
    next.lies_[raw] = next.wanted_[raw];
    if (!std::ranges::binary_search(doubted_, partition)) next.doubted_.push_back(partition);
  }
  std::ranges::sort(next.doubted_);
  return next;
}

TableRow DiskPlaces::moved_row(PartitionId partition) {
  return fact_row(key_of(partition), std::nullopt);
}

}  // namespace pixmesh
