#pragma once

#include "replication/chunk_check.h"

namespace pixmesh {

/// Checks a kept result whole before anybody is told that there is one.
class KeptCheck : public Operation {
 public:
  KeptCheck(OperationId id, RequestId request, ChunkCheck::File file);
  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return check_.done(); }
  [[nodiscard]] RequestId request() const { return request_; }
  [[nodiscard]] bool intact() const { return check_.intact(); }

 private:
  RequestId request_;
  ChunkCheck check_;
};

}  // namespace pixmesh
