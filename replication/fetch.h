#pragma once

#include "replication/operation.h"
#include "replication/repair_pace.h"

namespace pixmesh {

/// Brings the bytes of a record from another holder, or another disk of this node, into a temp
/// file, checking each chunk. A part of an operation. Sources are tried in turn; one that stalls or
/// sends wrong bytes is left.
class Fetch {
 public:
  struct Options {
    std::uint32_t credit = 4;              // chunks on their way at once
    Duration stall_after = 5s;             // no chunk for that long: the next source
    bool check_digest = false;             // of all bytes too, at the end
    CopySlot* slot = nullptr;              // says when chunks may come; none: as fast as they can
    std::vector<PartitionId> own_disks{};  // of this node, that have a file of these: come first
  };
  Fetch(const MeshView& mesh, PartitionId partition, PartitionId source_partition,
        const ImageRecord& record, std::vector<NodeId> sources, TempId temp);
  Fetch(const MeshView& mesh, PartitionId partition, PartitionId source_partition,
        const ImageRecord& record, std::vector<NodeId> sources, TempId temp, Options options);

  [[nodiscard]] Effects start(Instant now);
  [[nodiscard]] Effects on_bulk(Instant now, const BulkMessage& message,
                                const std::optional<ChunkRef>& chunk);
  [[nodiscard]] Effects on_disk(Instant now, const Result<DiskAnswer>& answer);
  [[nodiscard]] Effects on_deadline(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  [[nodiscard]] bool done() const { return state_ == State::done || state_ == State::failed; }
  /// Done with everything synced in `temp()`; otherwise the temp file is dropped already.
  [[nodiscard]] bool succeeded() const { return state_ == State::done; }
  [[nodiscard]] TempId temp() const { return temp_; }
  [[nodiscard]] const std::string& detail() const { return detail_; }
  /// Sources that have no file, or say that their copy is lost (StreamEnd); in the order of asking.
  /// Who could not be reached, could not read, or read badly once, may have a whole copy.
  [[nodiscard]] const std::vector<NodeId>& without_bytes() const { return without_bytes_; }
  [[nodiscard]] std::optional<StreamId> receives() const { return stream_; }

 private:
  enum class State { creating, receiving, syncing, draining, done, failed };
  [[nodiscard]] Effects ask_next(Instant now);
  [[nodiscard]] std::uint32_t window(Instant now) const;
  [[nodiscard]] Effects go_on(Instant now);
  [[nodiscard]] Effects leave_source(Instant now, std::string why);
  [[nodiscard]] Effects fail(std::string why);
  [[nodiscard]] Effects drained();
  [[nodiscard]] Effects on_chunk(Instant now, const StreamChunk& message, const ChunkRef& chunk);

  const MeshView& mesh_;
  PartitionId partition_;
  PartitionId source_partition_;
  ImageRecord record_;
  std::vector<NodeId> sources_;
  std::vector<NodeId> without_bytes_;
  TempId temp_;
  Options options_;
  State state_ = State::creating;
  std::optional<StreamId> stream_;
  NodeId source_;
  std::uint32_t next_chunk_ = 0;     // expected from the source
  std::uint32_t written_count_ = 0;  // chunks the disk has confirmed
  std::uint32_t granted_ = 0;        // chunks that the source may send, in all
  std::optional<Instant> grant_at_;  // when to look whether a rest is over
  std::optional<Instant> stall_at_;
  std::string detail_;
};

}  // namespace pixmesh
