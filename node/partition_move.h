#pragma once

#include <map>
#include <set>

#include "node/disk_places.h"
#include "replication/operation.h"
#include "replication/repair_pace.h"

namespace pixmesh {

/// Moves some partitions from one disk of a node to another, without a moment in which a copy
/// counts that is not whole.
///
///   1. takes some of those that are to go, by number and bytes
///   2. copies what the new disk lacks and drops what it has too much; both stay in use meanwhile,
///      and only the old one is asked for anything
///   3. `ready`: waits until nobody talks about some of them; the node then lets nobody begin, and
///      says so with on_closed
///   4. waits for what the old disk was told before, and compares: equal fingerprints and counts
///   5. copies the rows of lists, collected clocks and wishes
///   6. `copied`: the node makes it durable that they lie on the new disk, and goes on there
///
/// A stop at any point leaves the old disk in charge or the new one. What the other one has is
/// strayed: it is never asked for, and dropped or made equal later (DropStrays, this).
class MovePartitions : public Operation {
 public:
  struct Options {
    std::size_t count_max = 256;            // partitions at once
    std::uint64_t bytes_max = 64ULL << 20;  // unless one alone has more
  };
  /// @param candidates  in order; they lie on disk `from` and should be on disk `to`
  MovePartitions(OperationId id, const MeshView& mesh, const RecordCodec& codec, std::uint32_t from,
                 std::uint32_t to, std::vector<PartitionId> candidates);

  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override { return rest_until_; }
  bool finished() const override { return step_ == Step::over; }

  /// All that is here is copied, as far as anybody knows.
  [[nodiscard]] bool is_ready() const { return step_ == Step::ready; }
  [[nodiscard]] const std::vector<PartitionId>& partitions() const { return batch_; }
  /// Nobody else uses these of them from now on; not empty.
  [[nodiscard]] Effects on_closed(Instant now, std::vector<PartitionId> closed);
  /// None of them becomes quiet: another time.
  [[nodiscard]] Effects give_up() { return end(); }
  /// Those that are the same on both disks now; it has ended when this is asked for.
  [[nodiscard]] const std::vector<PartitionId>& moved() const { return closed_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }  // empty: none
  [[nodiscard]] std::uint32_t from() const { return from_; }
  [[nodiscard]] std::uint32_t to() const { return to_; }

 private:
  enum class Step {
    choose,
    have,
    list,
    displace,
    create,
    read,
    append,
    sync,
    publish,
    record,
    folders,
    commit,
    rest,
    ready,
    barrier,
    sum_from,
    sum_to,
    rows,
    put,
    over
  };
  [[nodiscard]] Effects on(std::uint32_t disk, DiskOperation operation, Step next);
  [[nodiscard]] Effects choose(const DiskSummary& summary);
  [[nodiscard]] Effects next_partition();
  [[nodiscard]] Effects on_had(const RecordPage& page);
  [[nodiscard]] Effects on_listed(Instant now, const RecordPage& page);
  [[nodiscard]] Effects next_record(Instant now);
  [[nodiscard]] Effects displace(NameDigest name);
  [[nodiscard]] Effects copy(Instant now);
  [[nodiscard]] Effects next_chunk();
  [[nodiscard]] Effects on_synced(const Synced& synced);
  [[nodiscard]] Effects write_record();
  [[nodiscard]] Effects commit();
  [[nodiscard]] Effects compare(const DiskSummary& there);
  [[nodiscard]] Effects load_rows();
  [[nodiscard]] Effects on_rows(const TableRows& rows);
  [[nodiscard]] Effects fail(const std::string& why);
  [[nodiscard]] Effects end();

  const MeshView& mesh_;
  const RecordCodec& codec_;
  std::uint32_t from_;
  std::uint32_t to_;
  std::vector<PartitionId> candidates_;
  Options options_;
  Step step_ = Step::choose;
  std::vector<PartitionId> batch_;
  std::size_t place_ = 0;            // in it
  std::map<NameDigest, Bytes> had_;  // of this partition on the new disk, and not seen yet
  std::vector<std::pair<NameDigest, Bytes>> lacked_;  // of a page of the old one
  std::optional<NameDigest> cursor_;
  bool page_is_last_ = false;
  ImageRecord record_;  // that is copied
  std::uint32_t chunk_ = 0;
  bool has_temp_ = false;
  std::optional<CopySlot> slot_;
  std::optional<Instant> rest_until_;
  std::vector<PartitionId> closed_;
  std::map<PartitionId, PartitionSummary> sums_;
  std::size_t table_ = 0;
  PutValues rows_;
  std::string problem_;
};

/// Whether what a disk has of a partition is to go from it.
enum class Stray {
  no,
  yes,
  in_use,  // it is, but not yet
};

/// Drops what a disk has of partitions that lie on another one. First finds out which.
class DropStrays : public Operation {
 public:
  using Judge = std::function<Stray(PartitionId)>;
  DropStrays(OperationId id, const RecordCodec& codec, std::uint32_t disk, Judge judge)
      : Operation(id), codec_(codec), disk_(disk), judge_(std::move(judge)) {}

  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return over_; }
  [[nodiscard]] std::uint32_t disk() const { return disk_; }
  /// Some are left, for a tool may be reading them or a write was under way.
  [[nodiscard]] bool left_some() const { return left_some_; }

 private:
  [[nodiscard]] Effects next();

  const RecordCodec& codec_;
  std::uint32_t disk_;
  Judge judge_;
  std::vector<PartitionId> left_;
  std::optional<NameDigest> cursor_;
  std::size_t waiting_for_ = 0;
  bool page_is_last_ = false;
  bool left_some_ = false;
  enum class Step { sum, list, drop, rows } step_ = Step::sum;
  bool over_ = false;
};

/// The keys of the rows about a partition's lists.
[[nodiscard]] std::vector<Bytes> list_keys_of(PartitionId partition);

}  // namespace pixmesh
