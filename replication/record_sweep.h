#pragma once

#include "replication/operation.h"
#include "replication/store_record.h"

namespace pixmesh {

/// Drops those records of a partition that a condition holds for, page by page. A part of an
/// operation. What is written meanwhile is left alone: a record goes only while it is what was
/// judged.
class RecordSweep {
 public:
  using Condition = std::function<bool(const ImageRecord&)>;
  RecordSweep(const RecordCodec& codec, PartitionId partition, Condition goes);

  [[nodiscard]] Effects start();
  [[nodiscard]] Effects on_disk(const Result<DiskAnswer>& answer);
  [[nodiscard]] bool done() const { return done_; }
  /// A commit to one of them was under way; it is still there.
  [[nodiscard]] bool left_some() const { return left_some_; }

 private:
  const RecordCodec& codec_;
  PartitionId partition_;
  Condition goes_;
  std::optional<NameDigest> cursor_;
  std::size_t waiting_for_ = 0;  // drops not yet answered
  bool left_some_ = false;
  bool last_page_ = false;
  bool done_ = false;
};

}  // namespace pixmesh
