#include "replication/request_memory.h"

#include <algorithm>

namespace pixmesh {

Bytes request_key(const RequestId& request) { return {request.raw.begin(), request.raw.end()}; }

TableRow request_row(const ImageRecord& record) {
  CanonicalBytes value;
  value.u64(record.version.clock).raw(record.version.writer.raw);
  return {Table::requests, request_key(record.request), value.bytes()};
}

std::optional<Version> parse_request_row(ByteView value) {
  Version version;
  if (value.size() != 8 + version.writer.raw.size()) return std::nullopt;
  for (std::size_t i = 0; i < 8; ++i) version.clock |= std::uint64_t{value[i]} << (8 * i);
  std::copy(value.begin() + 8, value.end(), version.writer.raw.begin());
  return version;
}

RequestMemory::RequestMemory(OperationId id, const MeshView& mesh, std::vector<PartitionId> disks)
    : RequestMemory(id, mesh, std::move(disks), Options{}) {}

RequestMemory::RequestMemory(OperationId id, const MeshView& mesh, std::vector<PartitionId> disks,
                             Options options)
    : Operation(id), mesh_(mesh), disks_(std::move(disks)), options_(options) {}

Effects RequestMemory::start(Instant now) {
  next_sweep_ = now + options_.interval;
  return {};
}

Effects RequestMemory::on_deadline(Instant now) {
  if (!next_sweep_ || now < *next_sweep_) return {};
  next_sweep_ = now + options_.interval;
  // One disk a sweep: the answer then says which one it is about.
  next_disk_ = (next_disk_ + 1) % disks_.size();
  return {UseDisk{disks_[next_disk_], LoadTable{Table::requests}}};
}

Effects RequestMemory::on_disk(Instant, const Result<DiskAnswer>& answer) {
  const auto* table = answer ? std::get_if<TableRows>(&answer.value()) : nullptr;
  if (table == nullptr) return {};
  const std::optional<std::uint64_t> clock = mesh_.next_clock(0);
  if (!clock) return {};  // the next sweep will do
  const auto age = static_cast<std::uint64_t>(options_.kept_for / std::chrono::microseconds(1));
  PutValues old;
  for (const auto& [key, value] : table->rows) {
    const auto version = parse_request_row(value);
    if (!version || version->clock + age < *clock) {
      old.rows.push_back({Table::requests, key, std::nullopt});
    }
  }
  if (old.rows.empty()) return {};
  return {UseDisk{disks_[next_disk_], std::move(old), false}};
}

}  // namespace pixmesh
