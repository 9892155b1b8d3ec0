#pragma once

#include "replication/operation.h"

namespace pixmesh {

/// Has every chunk of a stored file read and compared with its checksum, 4 MiB at a time. A part
/// of an operation. Of an empty file it only sees that it is there.
class ChunkCheck {
 public:
  struct File {
    PartitionId disk;  // any partition of the disk it lies on
    std::string path;
    std::uint64_t size = 0;                // bytes
    std::vector<std::uint64_t> checksums;  // XXH3-64 of each MiB; not intact with any other number
  };
  explicit ChunkCheck(File file);

  [[nodiscard]] Effects start() const;
  [[nodiscard]] Effects on_disk(const Result<DiskAnswer>& answer);

  [[nodiscard]] bool done() const { return done_; }
  /// When done: it is there, can be read, and each chunk has its checksum.
  [[nodiscard]] bool intact() const { return intact_; }
  [[nodiscard]] const File& file() const { return file_; }

 private:
  [[nodiscard]] Effects check_next() const;

  File file_;
  std::uint32_t next_ = 0;
  bool intact_;
  bool done_;
};

}  // namespace pixmesh
