#include "replication/request_memory.h"

#include <algorithm>

namespace pixmesh {

Bytes request_key(PartitionId partition, const RequestId& request) {
  Bytes key = row_prefix(partition);
  key.insert(key.end(), request.raw.begin(), request.raw.end());
  return key;
}

TableRow request_row(PartitionId partition, const RememberedWish& wish) {
  CanonicalBytes value;
  value.u64(wish.version.clock).raw(wish.version.writer.raw);
  return {Table::requests, request_key(partition, wish.request), value.bytes()};
}

TableRow request_row(PartitionId partition, const ImageRecord& record) {
  return request_row(partition, RememberedWish{record.request, record.version});
}

std::optional<RememberedWish> parse_request_row(ByteView key, ByteView value) {
  RememberedWish wish;
  const auto version = parse_request_row(value);
  constexpr std::size_t prefix = 4;
  if (!version || key.size() != prefix + wish.request.raw.size()) return std::nullopt;
  std::copy(key.begin() + prefix, key.end(), wish.request.raw.begin());
  wish.version = *version;
  return wish;
}

std::optional<Version> parse_request_row(ByteView value) {
  Version version;
  if (value.size() != 8 + version.writer.raw.size()) return std::nullopt;
  for (std::size_t i = 0; i < 8; ++i) version.clock |= std::uint64_t{value[i]} << (8 * i);
  std::copy(value.begin() + 8, value.end(), version.writer.raw.begin());
  return version;
}

RequestMemory::RequestMemory(OperationId id, std::vector<PartitionId> disks)
    : RequestMemory(id, std::move(disks), Options{}) {}

RequestMemory::RequestMemory(OperationId id, std::vector<PartitionId> disks, Options options)
    : Operation(id), disks_(std::move(disks)), options_(options), seen_(disks_.size()) {}

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

Effects RequestMemory::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  const auto* table = answer ? std::get_if<TableRows>(&answer.value()) : nullptr;
  if (table == nullptr) return {};
  std::map<Bytes, Instant>& before = seen_[next_disk_];
  std::map<Bytes, Instant> seen;
  PutValues old;
  for (const auto& [key, value] : table->rows) {
    const auto known = before.find(key);
    const Instant since = known == before.end() ? now : known->second;
    if (now - since >= options_.kept_for) {
      old.rows.push_back({Table::requests, key, std::nullopt});
    } else {
      seen.emplace(key, since);
    }
  }
  before = std::move(seen);
  if (old.rows.empty()) return {};
  return {UseDisk{disks_[next_disk_], std::move(old), false}};
}

}  // namespace pixmesh
