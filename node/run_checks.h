#pragma once

#include "replication/chunk_check.h"
#include "routing/run_messages.h"

namespace pixmesh {

/// Where the bytes of a run's input lie on this node.
struct StoredInput {
  RunInput input;
  PartitionId partition;  // says on which disk
  std::string path;
  bool own = true;  // a copy that this node answers for; else it is borrowed
};

/// Looks at the header of a stored file before anything is decided about a run. Bytes that do not
/// have their checksum tell nothing: then there is no header, and the copy is suspected.
class InspectFile : public Operation {
 public:
  InspectFile(OperationId id, RunId run, StoredInput stored, HeaderLimits limits);
  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return over_; }
  [[nodiscard]] RunId run() const { return run_; }
  [[nodiscard]] const std::optional<ImageHeader>& header() const { return header_; }

 private:
  RunId run_;
  StoredInput stored_;
  HeaderLimits limits_;
  bool over_ = false;
  std::optional<ImageHeader> header_;
};

/// Reads every chunk of a stored file and compares its checksum, before a tool works on the file.
class VerifyFile : public Operation {
 public:
  VerifyFile(OperationId id, RunId run, StoredInput stored);
  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return check_.done(); }
  [[nodiscard]] RunId run() const { return run_; }
  [[nodiscard]] bool intact() const { return check_.intact(); }

 private:
  RunId run_;
  StoredInput stored_;
  ChunkCheck check_;
};

}  // namespace pixmesh
