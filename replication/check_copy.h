#pragma once

#include "replication/operation.h"

namespace pixmesh {

/// Somebody could not read our copy of some bytes, or read other ones. Reads the whole file again
/// and believes only that: an asker may have asked for the wrong thing, a device may err once.
///
///   verify -> damaged: mark it, durably -> sync its partition with the other holders
///          -> damaged, and marked already: nothing
///          -> whole, but marked: take the mark back
///
/// The mark keeps the record: it was acknowledged, and lookups need it. But from then on this
/// partition's fingerprint differs from that of whole copies, so that no sync, settling or drop
/// counts on this copy; PartitionSync fetches the bytes anew, and StoreRecord takes the mark back.
/// A device that could not read for a while leaves marks on whole copies, and nobody else may be
/// there to give their bytes: hence the third line. What is marked already has been asked for, and
/// repair asks again. If all holders had nothing but damaged copies, each failed fetch would be a
/// suspicion there, and they would ask for ever.
class CheckCopy : public Operation {
 public:
  /// @param partition  or the address of a disk; then what is damaged there is mended for a
  ///                   partition that names it
  CheckCopy(OperationId id, const MeshView& mesh, PartitionId partition, const Digest& digest)
      : Operation(id), mesh_(mesh), partition_(partition), digest_(digest) {}

  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return step_ == Step::over; }

  [[nodiscard]] const Digest& digest() const { return digest_; }
  /// When finished: 0 for a whole copy, corrupt, not_found (no record here names it), failed.
  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const std::string& detail() const { return detail_; }
  /// When corrupt: nobody knew it yet.
  [[nodiscard]] bool is_news() const { return is_news_; }

 private:
  enum class Step { verify, mark, unmark, over };
  [[nodiscard]] Effects on_verified(const BlobVerified& verified);
  [[nodiscard]] Effects end(ErrorCode code, std::string detail);

  const MeshView& mesh_;
  PartitionId partition_;
  Digest digest_;
  PartitionId mended_for_;
  Step step_ = Step::verify;
  ErrorCode code_{};
  std::string detail_;
  bool is_news_ = false;
};

}  // namespace pixmesh
