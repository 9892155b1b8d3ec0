#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "replication/operation.h"

namespace pixmesh {

/// Reads every chunk of a kept result and compares its checksum, before anybody is told that there
/// is one.
class KeptCheck : public Operation {
 public:
  /// @param disk  an address on disk 0
  KeptCheck(OperationId id, PartitionId disk, RequestId request, std::string path,
            std::uint64_t size, std::vector<std::uint64_t> checksums);
  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return over_; }
  [[nodiscard]] RequestId request() const { return request_; }
  [[nodiscard]] bool intact() const { return intact_; }

 private:
  [[nodiscard]] Effects read_next();

  PartitionId disk_;
  RequestId request_;
  std::string path_;
  std::uint64_t size_;
  std::vector<std::uint64_t> checksums_;
  std::uint32_t next_chunk_ = 0;
  bool intact_ = true;
  bool over_ = false;
};

}  // namespace pixmesh
