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
///
/// Of bytes that cannot be read right here,
///   not known to be damaged          are suspected, so that they are mended; the partition waits
///   the device does not give (EIO)   nothing is known: the partition waits
///   marked, and damaged or gone      nobody could give whole ones yet: the record moves without
///                                    them and keeps its mark, unless the new disk has whole ones
/// Marks alone prove nothing. What is whole here is copied whole, and never ends up marked there.
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
  [[nodiscard]] const std::vector<PartitionId>& partitions() const { return copied_; }
  /// Those of the candidates that it took, of which it may have copied something.
  [[nodiscard]] const std::vector<PartitionId>& chosen() const { return batch_; }
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
    marks_from,
    marks_to,
    have,
    list,
    displace,
    create,
    read,
    append,
    sync,
    verify_from,
    verify_to,
    publish,
    record,
    folders,
    commit,
    mark,
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
  [[nodiscard]] bool is_replaced(const Bytes& there, const Bytes& here) const;
  [[nodiscard]] Effects displace(NameDigest name);
  [[nodiscard]] Effects copy(Instant now);
  [[nodiscard]] Effects next_chunk();
  [[nodiscard]] Effects on_synced(const Synced& synced);
  [[nodiscard]] Effects on_bad_bytes(const Error& error);
  [[nodiscard]] Effects on_verified(const BlobVerified& verified);
  [[nodiscard]] Effects write_record();
  [[nodiscard]] Effects commit();
  [[nodiscard]] Effects on_committed(Instant now);
  [[nodiscard]] Effects compare(const DiskSummary& there);
  [[nodiscard]] Effects load_rows();
  [[nodiscard]] Effects on_rows(const TableRows& rows);
  [[nodiscard]] Effects on_error(Instant now, const Error& error);
  [[nodiscard]] Effects pass_over(const std::string& why);
  [[nodiscard]] Effects fail(const std::string& why);
  [[nodiscard]] Effects drop_temp();
  [[nodiscard]] Effects end();

  const MeshView& mesh_;
  const RecordCodec& codec_;
  std::uint32_t from_;
  std::uint32_t to_;
  std::vector<PartitionId> candidates_;
  Options options_;
  Step step_ = Step::choose;
  std::vector<PartitionId> batch_;
  std::size_t place_ = 0;  // in it
  std::vector<PartitionId> copied_;
  std::set<Bytes> marks_here_;  // digests whose bytes were known to be damaged when it began
  std::set<Bytes> marks_there_;
  std::map<PartitionId, std::uint64_t> mended_;  // so much does what is whole there only add
  std::map<NameDigest, Bytes> had_;  // of this partition on the new disk, and not seen yet
  std::vector<std::pair<NameDigest, Bytes>> lacked_;  // of a page of the old one
  std::optional<NameDigest> cursor_;
  bool page_is_last_ = false;
  ImageRecord record_;  // that is copied
  std::uint32_t chunk_ = 0;
  bool has_temp_ = false;
  bool lost_ = false;  // its bytes
  std::optional<CopySlot> slot_;
  std::optional<Instant> rest_until_;
  std::vector<PartitionId> closed_;
  std::map<PartitionId, PartitionSummary> sums_;
  std::size_t table_ = 0;
  PutValues rows_;
  std::string problem_;
};

/// The keys of the rows about a partition's lists.
[[nodiscard]] std::vector<Bytes> list_keys_of(PartitionId partition);

}  // namespace pixmesh
