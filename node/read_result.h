#pragma once

#include "base/limits.h"
#include "replication/chunk_check.h"

namespace pixmesh {

/// Whether a result is so small that its bytes go along with the word that it is ready.
[[nodiscard]] inline bool is_small_result(std::uint64_t bytes) {
  return bytes > 0 && bytes <= small_result_bytes;
}

/// Reads the file of a result before anybody is told of it: of a kept one each chunk is compared
/// with its checksum, of a small one the bytes are taken into memory.
class ReadResult : public Operation {
 public:
  /// What it is read for.
  struct For {
    RequestId request;         // of an asker to whom a kept result is given, …
    std::uint64_t hit = 0;     // … and which of its askings it is; or
    std::uint64_t flight = 0;  // the flight whose result is small
  };
  /// @param file  without checksums where they are not known: it is small
  ReadResult(OperationId id, For whom, ChunkCheck::File file);
  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return over_; }

  [[nodiscard]] const For& whom() const { return whom_; }
  /// When finished: it is there, and as it was written as far as is known.
  [[nodiscard]] bool intact() const { return intact_; }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }  // of a small one that is intact

 private:
  For whom_;
  ChunkCheck check_;
  Bytes bytes_;
  bool intact_ = false;
  bool over_ = false;
};

}  // namespace pixmesh
