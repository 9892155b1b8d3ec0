#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/ids.h"

namespace pixmesh {

/// The records that were found since the index was last written, for whoever asks for them again:
/// an image that is asked for a thousand times costs one read. A write ends them all, for as long
/// as it goes on and for good; there is one at a time. Safe from any thread; every call takes O(log
/// n).
class FoundRecords {
 public:
  /// An index between two writes.
  using Age = std::uint64_t;

  /// @param bytes_max  of records; when there is no room all go
  explicit FoundRecords(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void begin_write();
  void end_write();

  /// To be taken before what is to be added is read; nothing while the index is being written.
  [[nodiscard]] std::optional<Age> age() const;
  /// Does nothing if the index has another age by now.
  void add(PartitionId partition, const NameDigest& name, const Bytes& record, Age read_at);
  /// Empty: there was none; nothing: it is not known here.
  [[nodiscard]] std::optional<Bytes> find(PartitionId partition, const NameDigest& name) const;

 private:
  using Records = std::map<std::pair<PartitionId, NameDigest>, Bytes>;
  [[nodiscard]] Records take_all();

  std::size_t bytes_max_;
  mutable std::mutex mutex_;
  Age age_ = 0;
  bool writing_ = false;
  std::size_t bytes_ = 0;
  Records records_;
};

}  // namespace pixmesh
