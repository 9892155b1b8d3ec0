#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "node/disk_places.h"
#include "replication/operation.h"

namespace pixmesh {

/// Whether what a disk has of a partition is to go from it.
enum class Stray {
  no,
  yes,
  in_use,  // it is, but not yet
};

/// Drops what a disk has of partitions that lie on another one. Asks which those are, and about
/// each of them again before every step: other disks may have come and gone since.
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
  [[nodiscard]] Effects list();
  void choose(const DiskSummary& summary);
  [[nodiscard]] Effects drop(const RecordPage& page);
  [[nodiscard]] Effects drop_rows();
  [[nodiscard]] bool is_still_strayed();

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

}  // namespace pixmesh
