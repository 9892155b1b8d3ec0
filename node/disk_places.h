#pragma once

#include <vector>

#include "node/options.h"

namespace pixmesh {

/// A word to a disk itself, whichever partitions it has: what UseDisk takes in place of a
/// partition.
inline constexpr std::uint32_t disk_address_bit = 1U << 31;
[[nodiscard]] inline PartitionId address_of_disk(std::uint32_t disk) {
  return PartitionId{disk_address_bit | disk};
}

/// On which of its disks a node keeps each partition.
///
/// A partition should be on the disk that choose_disk gives it. When the disks become others it
/// stays where it is, and a row of the state folder says so, until it was moved: the disk on which
/// it lies is always the one of its row, or without one that of choose_disk. Taking the row away is
/// the step in which it moves.
/// A partition whose disk was given up begins anew on another one: its row says that it is doubted,
/// until the doubt is durable on the disk where it now lies.
class DiskPlaces {
 public:
  DiskPlaces() = default;  // no partitions yet
  /// What the state folder says of them, with the disks that the node has now.
  /// @param known  the disks of the rows `disk/…`; none on the first start
  DiskPlaces(const std::vector<DiskDescription>& disks, const std::vector<DiskDescription>& known,
             const TableRows& facts, std::uint32_t partition_count);

  [[nodiscard]] std::uint32_t disk_of(PartitionId partition) const { return lies_[partition.raw]; }
  [[nodiscard]] std::uint32_t wanted_for(PartitionId partition) const {
    return wanted_[partition.raw];
  }
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(lies_.size()); }
  /// Partitions that are to be moved.
  [[nodiscard]] std::vector<PartitionId> to_move() const;
  /// Whether the disk on which it was is not here.
  [[nodiscard]] bool lost(PartitionId partition) const { return lost_[partition.raw]; }
  /// Partitions whose rows say that they are doubted, in order.
  [[nodiscard]] const std::vector<PartitionId>& doubted() const { return doubted_; }
  /// What the state folder is to say once the doubts are durable; nobody is doubted here any more.
  [[nodiscard]] std::vector<TableRow> end_doubts();
  /// What makes the state folder say what is so now; empty if it does.
  [[nodiscard]] std::vector<TableRow> rows() const;

  /// The places with other disks: what lies on one that is `gone` begins anew where it should be.
  [[nodiscard]] DiskPlaces with(const std::vector<DiskDescription>& disks) const;
  /// The row that says that `partition` lies where it should, and that it does.
  [[nodiscard]] static TableRow moved_row(PartitionId partition);
  void note_moved(PartitionId partition) { lies_[partition.raw] = wanted_[partition.raw]; }

 private:
  std::vector<DiskDescription> disks_;
  std::vector<std::uint32_t> lies_;  // by partition, as is the next
  std::vector<std::uint32_t> wanted_;
  std::vector<bool> lost_;
  std::vector<PartitionId> doubted_;
  std::vector<PartitionId> with_rows_;  // in the state folder, needed or not
};

}  // namespace pixmesh
