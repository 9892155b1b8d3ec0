#pragma once

#include <map>

#include "node/disk_places.h"
#include "node/options.h"
#include "node/state_writer.h"
#include "replication/operation.h"

namespace pixmesh {

/// Tells whether the disks are still what they were. A mark, never the same twice, is written every
/// `interval` to each disk and then to the state folder: a disk whose mark is older than the one in
/// the state folder was put back to an earlier state, one without has been replaced. One that takes
/// no mark any more has failed; before the first mark may be written that is tried with another
/// row.
class DiskMarks : public Operation {
 public:
  static constexpr Duration interval = 5s;  // what is put back by less than that is not noticed

  /// @param disks  one partition of each disk in use, to reach it by
  /// @param first  above every mark of earlier starts
  /// @param doubts_are_durable  asked until true; a disk marked before would be trusted after the
  ///                            next start although nothing says any more what it lacks
  DiskMarks(OperationId id, const NodeOptions& options, const MeshView& mesh, StateWriter& writer,
            std::vector<PartitionId> disks, std::uint64_t first,
            std::function<bool()> doubts_are_durable);

  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override { return next_at_; }
  bool finished() const override { return false; }

  /// From the next round on these are the disks in use.
  void set_disks(std::vector<PartitionId> disks);
  /// A disk that has failed in every round for so long; none: none has.
  [[nodiscard]] std::optional<PartitionId> failed_for(Instant now, Duration time) const;
  /// Whether each disk failed in its last round.
  [[nodiscard]] bool all_failed() const { return failed_since_.size() == next_disks_.size(); }
  /// Rows of disks that this node has no more: to be forgotten once their partitions are doubted.
  void forget(std::vector<TableRow> gone) { gone_ = std::move(gone); }

 private:
  [[nodiscard]] Effects mark_next(Instant now);
  void note_health(Instant now, PartitionId disk, bool has_failed);

  const NodeOptions& options_;
  const MeshView& mesh_;
  StateWriter& writer_;
  std::vector<PartitionId> disks_;  // of the round under way
  std::vector<PartitionId> next_disks_;
  std::uint64_t mark_;
  std::function<bool()> doubts_are_durable_;
  bool marking_ = false;
  bool is_trial_ = false;  // this round tells only which disks can be written
  Instant try_at_;
  std::size_t marked_ = 0;      // disks of this round that have answered
  std::vector<TableRow> rows_;  // of those that could be written
  std::vector<TableRow> gone_;
  std::map<PartitionId, Instant> failed_since_;  // disks in use
  std::optional<Instant> next_at_;
};

/// What a node's rows tell about its disks at a start.
struct DiskDoubts {
  std::vector<PartitionId> partitions;  // whose copies may lack what was acknowledged
  std::vector<TableRow> gone;           // rows of the state folder about disks that are not here
  bool of_all = false;                  // others told that this node does not know its past
};
/// The fact of the state folder that every copy is doubted, until that is durable on the disks.
inline constexpr std::string_view all_doubted_key = "doubted";
/// Nothing is doubted on the first start. A partition that was on a disk which is not here is.
[[nodiscard]] DiskDoubts doubts_about(const NodeOptions& options, const NodeMemory& memory,
                                      const DiskPlaces& places);
/// The disks that the state folder names, in order of id.
[[nodiscard]] std::vector<DiskDescription> disks_known_to(const TableRows& facts);
/// The row of a disk that was not marked yet. It counts as one of the node's from now on, so
/// whatever does not lie where it should has its row by then.
[[nodiscard]] TableRow new_disk_row(const DiskDescription& disk);
/// The row of a disk that this node has no more.
[[nodiscard]] TableRow no_disk_row(const DiskDescription& disk);

}  // namespace pixmesh
