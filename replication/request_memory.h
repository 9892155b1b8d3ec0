#pragma once

#include <map>

#include "replication/operation.h"

namespace pixmesh {

/// The row of the request table that remembers which version a wish was given.
[[nodiscard]] TableRow request_row(PartitionId partition, const RememberedWish& wish);
[[nodiscard]] TableRow request_row(PartitionId partition, const ImageRecord& record);
[[nodiscard]] Bytes request_key(PartitionId partition, const RequestId& request);
[[nodiscard]] std::optional<Version> parse_request_row(ByteView value);
/// Nothing for a row of an earlier format.
[[nodiscard]] std::optional<RememberedWish> parse_request_row(ByteView key, ByteView value);

/// Forgets wishes that nobody repeats any more, on every disk of a node. A client gives up its
/// retries before `kept_for` has passed, so a row of that age can never be asked for again. Its age
/// counts from the first sweep that saw it: the clock in its version may be another node's, and
/// wrong.
class RequestMemory : public Operation {
 public:
  struct Options {
    Duration kept_for = 300s;
    Duration interval = 60s;  // between sweeps; one sweep reads the whole table
  };
  /// @param disks  one partition of each disk
  RequestMemory(OperationId id, std::vector<PartitionId> disks);
  RequestMemory(OperationId id, std::vector<PartitionId> disks, Options options);

  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override { return next_sweep_; }
  bool finished() const override { return false; }

 private:
  std::vector<PartitionId> disks_;
  Options options_;
  std::optional<Instant> next_sweep_;
  std::size_t next_disk_ = 0;                   // that is swept
  std::vector<std::map<Bytes, Instant>> seen_;  // by disk: rows, and the sweep that first saw them
};

}  // namespace pixmesh
