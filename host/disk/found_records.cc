#include "host/disk/found_records.h"

#include <utility>

namespace pixmesh {
namespace {

constexpr std::size_t entry_bytes = 128;  // about, without the record

}  // namespace

FoundRecords::Records FoundRecords::take_all() {
  bytes_ = 0;
  return std::exchange(records_, {});
}

void FoundRecords::begin_write() {
  Records gone;  // freed when nobody waits for the lock any more
  const std::lock_guard lock(mutex_);
  writing_ = true;
  gone = take_all();
}

void FoundRecords::end_write() {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  ++age_;
}

std::optional<FoundRecords::Age> FoundRecords::age() const {
  const std::lock_guard lock(mutex_);
  return writing_ ? std::nullopt : std::optional(age_);
}

void FoundRecords::add(PartitionId partition, const NameDigest& name, const Bytes& record,
                       Age read_at) {
  const std::size_t weight = entry_bytes + record.size();
  Records gone;
  const std::lock_guard lock(mutex_);
  if (writing_ || read_at != age_ || weight > bytes_max_) return;
  if (bytes_ + weight > bytes_max_) gone = take_all();
  if (records_.try_emplace({partition, name}, record).second) bytes_ += weight;
}

std::optional<Bytes> FoundRecords::find(PartitionId partition, const NameDigest& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find({partition, name});
  return found == records_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace pixmesh
