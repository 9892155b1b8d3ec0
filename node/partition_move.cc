#include "node/partition_move.h"

#include <algorithm>
#include <array>

#include "base/digest.h"

namespace pixmesh {
namespace {

constexpr std::array row_tables{Table::lists, Table::collected, Table::requests};

}  // namespace

std::vector<Bytes> list_keys_of(PartitionId partition) {
  std::vector<Bytes> keys{row_prefix(partition)};
  for (const char mark : {'p', 'r', 's'}) {
    Bytes& key = keys.emplace_back(row_prefix(partition));
    key.push_back(static_cast<std::uint8_t>(mark));
  }
  return keys;
}

MovePartitions::MovePartitions(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                               std::uint32_t from, std::uint32_t to,
                               std::vector<PartitionId> candidates)
    : Operation(id),
      mesh_(mesh),
      codec_(codec),
      from_(from),
      to_(to),
      candidates_(std::move(candidates)) {}

Effects MovePartitions::on(std::uint32_t disk, DiskOperation operation, Step next) {
  step_ = next;
  return {UseDisk{address_of_disk(disk), std::move(operation)}};
}

Effects MovePartitions::start(Instant) { return on(from_, Summarize{}, Step::choose); }

// A partition with a damaged copy waits until that is mended: it could not be copied whole.
Effects MovePartitions::choose(const DiskSummary& summary) {
  std::map<PartitionId, const PartitionSummary*> sums;
  for (const PartitionSummary& sum : summary.partitions) sums[sum.partition] = &sum;
  std::uint64_t bytes = 0;
  for (const PartitionId partition : candidates_) {
    const auto sum = sums.find(partition);
    if (sum != sums.end() && sum->second->damaged_count > 0) continue;
    const std::uint64_t more = sum == sums.end() ? 0 : sum->second->bytes;
    if (!batch_.empty() && bytes + more > options_.bytes_max) break;
    bytes += more;
    batch_.push_back(partition);
    if (batch_.size() == options_.count_max) break;
  }
  if (batch_.empty()) return fail("damaged copies wait to be mended");
  return next_partition();
}

Effects MovePartitions::next_partition() {
  if (place_ == batch_.size()) {
    step_ = Step::ready;
    return {};
  }
  had_.clear();
  cursor_.reset();
  return on(to_, ListPartition{batch_[place_], std::nullopt}, Step::have);
}

Effects MovePartitions::on_had(const RecordPage& page) {
  std::optional<NameDigest> last;
  for (const Bytes& bytes : page.records) {
    const auto record = codec_.decode_record(bytes);
    if (!record) return fail("a record cannot be read");
    last = name_digest_of(record->name);
    had_[*last] = bytes;
  }
  if (!page.complete && last) return on(to_, ListPartition{batch_[place_], last}, Step::have);
  return on(from_, ListPartition{batch_[place_], std::nullopt}, Step::list);
}

Effects MovePartitions::on_listed(Instant now, const RecordPage& page) {
  page_is_last_ = page.complete || page.records.empty();
  for (const Bytes& bytes : page.records) {
    const auto record = codec_.decode_record(bytes);
    if (!record) return fail("a record cannot be read");
    const NameDigest name = name_digest_of(record->name);
    cursor_ = name;
    const auto had = had_.find(name);
    if (had != had_.end() && had->second == bytes) {
      had_.erase(had);
    } else {
      lacked_.emplace_back(name, bytes);
    }
  }
  std::ranges::reverse(lacked_);
  return next_record(now);
}

Effects MovePartitions::next_record(Instant now) {
  if (!lacked_.empty()) {
    const auto other = had_.find(lacked_.back().first);
    return other == had_.end() ? copy(now) : displace(other->first);
  }
  if (!page_is_last_) return on(from_, ListPartition{batch_[place_], cursor_}, Step::list);
  if (!had_.empty()) return displace(had_.begin()->first);
  ++place_;
  return next_partition();
}

// The old disk is right, whatever is on the new one.
Effects MovePartitions::displace(NameDigest name) {
  const Bytes bytes = std::move(had_.at(name));
  const auto record = codec_.decode_record(bytes);
  had_.erase(name);
  if (!record) return fail("a record cannot be read");
  return on(
      to_,
      DropRecord{batch_[place_], name, bytes, record_path(batch_[place_], name),
                 record->tombstone ? std::string{} : blob_path(record->digest, record->media)},
      Step::displace);
}

Effects MovePartitions::copy(Instant now) {
  auto record = codec_.decode_record(lacked_.back().second);
  if (!record) return fail("a record cannot be read");
  record_ = std::move(record).value();
  if (record_.tombstone) return write_record();
  if (mesh_.pace != nullptr) {
    slot_ = mesh_.pace->open(now, record_.size, false);
    if (!slot_) {
      step_ = Step::rest;
      rest_until_ = mesh_.pace->again_at();
      return {};
    }
  }
  chunk_ = 0;
  has_temp_ = true;
  return on(to_, CreateTemp{TempId{id().raw}, true, record_.size}, Step::create);
}

Effects MovePartitions::on_deadline(Instant now) {
  if (!rest_until_ || now < *rest_until_) return {};
  rest_until_.reset();
  return next_record(now);
}

Effects MovePartitions::next_chunk() {
  if (chunk_ == chunk_count_of(record_.size)) {
    return on(to_, SyncTemp{TempId{id().raw}}, Step::sync);
  }
  std::optional<std::uint64_t> checksum;
  if (chunk_ < record_.checksums.size()) checksum = record_.checksums[chunk_];
  return on(
      from_,
      ReadRange{blob_path(record_.digest, record_.media), std::uint64_t{chunk_} * chunk_bytes_max,
                chunk_size_of(record_.size, chunk_), checksum},
      Step::read);
}

Effects MovePartitions::on_synced(const Synced& synced) {
  if (synced.digest != record_.digest || synced.size != record_.size) {
    Effects effects = fail("a copy has other bytes than its digest says");
    effects.push_back(SuspectBytes{batch_[place_], record_.digest});
    return effects;
  }
  has_temp_ = false;
  return on(to_, PublishTemp{TempId{id().raw}, blob_path(record_.digest, record_.media)},
            Step::publish);
}

Effects MovePartitions::write_record() {
  const std::string path = record_path(batch_[place_], lacked_.back().first);
  return on(to_, WriteFile{path, lacked_.back().second}, Step::record);
}

Effects MovePartitions::commit() {
  CommitRecord request;
  request.partition = batch_[place_];
  request.name_digest = lacked_.back().first;
  request.name = record_.name;
  request.digest = record_.digest;
  request.size = record_.size;
  request.record = lacked_.back().second;
  return on(to_, std::move(request), Step::commit);
}

Effects MovePartitions::on_closed(Instant, std::vector<PartitionId> closed) {
  closed_ = std::move(closed);
  return on(from_, PutValues{}, Step::barrier);
}

Effects MovePartitions::compare(const DiskSummary& there) {
  std::map<PartitionId, PartitionSummary> sums;
  for (const PartitionSummary& sum : there.partitions) sums[sum.partition] = sum;
  std::erase_if(closed_, [&](PartitionId partition) {
    const PartitionSummary here = sums_[partition];
    const PartitionSummary copy = sums[partition];
    return here.fingerprint != copy.fingerprint || here.record_count != copy.record_count ||
           here.bytes != copy.bytes || here.damaged_count + copy.damaged_count > 0;
  });
  if (closed_.empty()) return end();  // written to meanwhile; another time
  for (const PartitionId partition : closed_) {
    for (Bytes& key : list_keys_of(partition)) {
      rows_.rows.push_back({Table::lists, std::move(key), std::nullopt});
    }
  }
  return load_rows();
}

Effects MovePartitions::load_rows() {
  if (table_ == row_tables.size()) return on(to_, std::move(rows_), Step::put);
  return on(from_, LoadTable{row_tables[table_]}, Step::rows);
}

Effects MovePartitions::on_rows(const TableRows& rows) {
  for (const auto& [key, value] : rows.rows) {
    if (key.size() < 4) continue;
    if (!std::ranges::binary_search(closed_, partition_in_row(key))) continue;
    rows_.rows.push_back({row_tables[table_], key, value});
  }
  ++table_;
  return load_rows();
}

Effects MovePartitions::fail(const std::string& why) {
  Effects effects;
  if (step_ == Step::folders) {  // the record file is ahead of a commit that will not come
    AbandonRecord file{batch_[place_], lacked_.back().first};
    effects.push_back(UseDisk{address_of_disk(to_), std::move(file), false});
  }
  problem_ = why;
  closed_.clear();
  append(effects, end());
  return effects;
}

Effects MovePartitions::end() {
  step_ = Step::over;
  slot_.reset();
  if (!has_temp_) return {};
  has_temp_ = false;
  return {UseDisk{address_of_disk(to_), DropTemp{TempId{id().raw}}, false}};
}

Effects MovePartitions::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  if (!answer) {
    const bool is_suspect = step_ == Step::read;  // a sector that cannot be read is mended too
    const bool has_changed = step_ == Step::displace && answer.error().code == ErrorCode::stale;
    if (has_changed) return next_record(now);
    Effects effects = fail(answer.error().detail);
    if (is_suspect) effects.push_back(SuspectBytes{batch_[place_], record_.digest});
    return effects;
  }
  const DiskAnswer& told = answer.value();
  switch (step_) {
    case Step::choose:
      return choose(std::get<DiskSummary>(told));
    case Step::have:
      return on_had(std::get<RecordPage>(told));
    case Step::list:
      return on_listed(now, std::get<RecordPage>(told));
    case Step::displace:
      return next_record(now);
    case Step::create:
      return next_chunk();
    case Step::read:
      return on(to_, AppendChunk{TempId{id().raw}, std::get<RangeRead>(told).chunk}, Step::append);
    case Step::append:
      ++chunk_;
      return next_chunk();
    case Step::sync:
      return on_synced(std::get<Synced>(told));
    case Step::publish:
      return write_record();
    case Step::record: {
      std::vector<std::string> paths{record_path(batch_[place_], lacked_.back().first)};
      if (!record_.tombstone) paths.push_back(blob_path(record_.digest, record_.media));
      return on(to_, SyncFolders{std::move(paths)}, Step::folders);
    }
    case Step::folders:
      return commit();
    case Step::commit:
      if (slot_) slot_->note_copied(now, record_.size);
      slot_.reset();
      lacked_.pop_back();
      return next_record(now);
    case Step::barrier:
      return on(from_, Summarize{}, Step::sum_from);
    case Step::sum_from:
      for (const PartitionSummary& sum : std::get<DiskSummary>(told).partitions) {
        sums_[sum.partition] = sum;
      }
      return on(to_, Summarize{}, Step::sum_to);
    case Step::sum_to:
      return compare(std::get<DiskSummary>(told));
    case Step::rows:
      return on_rows(std::get<TableRows>(told));
    case Step::put:
      return end();
    case Step::rest:
    case Step::ready:
    case Step::over:
      return {};
  }
  return {};
}

Effects DropStrays::start(Instant) { return {UseDisk{address_of_disk(disk_), Summarize{}}}; }

Effects DropStrays::next() {
  if (left_.empty()) {
    over_ = true;
    return {};
  }
  step_ = Step::list;
  return {UseDisk{address_of_disk(disk_), ListPartition{left_.back(), std::nullopt}}};
}

Effects DropStrays::on_disk(Instant, const Result<DiskAnswer>& answer) {
  if (step_ == Step::sum) {
    const auto* summary = answer ? std::get_if<DiskSummary>(&answer.value()) : nullptr;
    if (summary != nullptr) {
      for (const PartitionSummary& sum : summary->partitions) {
        const Stray stray = judge_(sum.partition);
        if (stray == Stray::yes) left_.push_back(sum.partition);
        left_some_ = left_some_ || stray == Stray::in_use;
      }
    }
    return next();
  }
  if (step_ == Step::list) {
    const auto* page = answer ? std::get_if<RecordPage>(&answer.value()) : nullptr;
    if (page == nullptr) {  // the disk failed
      over_ = left_some_ = true;
      return {};
    }
    page_is_last_ = page->complete || page->records.empty();
    Effects effects;
    for (const Bytes& bytes : page->records) {
      const auto record = codec_.decode_record(bytes);
      if (!record) continue;
      const NameDigest name = name_digest_of(record->name);
      cursor_ = name;
      effects.push_back(
          UseDisk{address_of_disk(disk_),
                  DropRecord{left_.back(), name, bytes, record_path(left_.back(), name),
                             record->tombstone ? std::string{}
                                               : blob_path(record->digest, record->media)}});
    }
    waiting_for_ = effects.size();
    step_ = Step::drop;
    if (waiting_for_ > 0) return effects;
  } else if (step_ == Step::drop) {
    left_some_ = left_some_ || !answer;
    if (--waiting_for_ > 0) return {};
    if (!page_is_last_) {
      step_ = Step::list;
      return {UseDisk{address_of_disk(disk_), ListPartition{left_.back(), cursor_}}};
    }
  } else {
    left_.pop_back();
    return next();
  }
  step_ = Step::rows;
  PutValues rows;
  for (Bytes& key : list_keys_of(left_.back())) {
    rows.rows.push_back({Table::lists, std::move(key), std::nullopt});
  }
  return {UseDisk{address_of_disk(disk_), std::move(rows)}};
}

}  // namespace pixmesh
