#pragma once

#include "replication/operation.h"

namespace pixmesh {

/// Gives a stored file to whoever asked, chunk by chunk as credit comes. Each chunk is checked
/// against its recorded checksum while it is read: damaged bytes never leave a node. A copy that
/// cannot be read so is suspected.
class StreamSource : public Operation {
 public:
  struct Options {
    Duration idle_after = 20s;  // no credit for that long: the asker is gone
  };
  /// @param open  with `size` bytes at `path`
  StreamSource(OperationId id, StreamOpen open, std::string path, BulkEnd asker);

  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_bulk(Instant now, const BulkEnd& from, const BulkMessage& message,
                  const std::optional<ChunkRef>& chunk) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override { return idle_at_; }
  bool finished() const override { return over_; }
  std::optional<StreamId> sends() const override { return open_.stream; }

 private:
  [[nodiscard]] Effects read_ahead();
  [[nodiscard]] Effects on_unreadable(const Error& error);
  [[nodiscard]] Effects end_suspected(const Result<DiskAnswer>& marks);
  [[nodiscard]] Effects end(ErrorCode code, std::string detail, bool lost = false);

  StreamOpen open_;
  std::string path_;
  BulkEnd asker_;
  Options options_;
  std::uint32_t chunk_count_;
  std::uint32_t asked_;    // chunks whose reading was ordered
  std::uint32_t sent_;     // chunks given to the link
  std::uint32_t allowed_;  // chunks covered by credit
  Instant idle_at_;
  std::optional<Error> problem_;  // of a read; whether the copy is marked is looked up
  bool over_ = false;
};

}  // namespace pixmesh
