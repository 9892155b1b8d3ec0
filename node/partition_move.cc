#include "node/partition_move.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/digest.h"

namespace pixmesh {
namespace {

constexpr std::array row_tables{Table::lists, Table::collected, Table::requests};

Bytes mark_of(const Digest& digest) { return damaged_row(digest, std::nullopt).key; }

std::set<Bytes> keys_of(const TableRows& rows) {
  std::set<Bytes> keys;
  for (const auto& [key, value] : rows.rows) keys.insert(key);
  return keys;
}

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

Effects MovePartitions::choose(const DiskSummary& summary) {
  std::map<PartitionId, const PartitionSummary*> sums;
  for (const PartitionSummary& sum : summary.partitions) sums[sum.partition] = &sum;
  std::uint64_t bytes = 0;
  for (const PartitionId partition : candidates_) {
    const auto sum = sums.find(partition);
    const std::uint64_t more = sum == sums.end() ? 0 : sum->second->bytes;
    if (!batch_.empty() && bytes + more > options_.bytes_max) break;
    bytes += more;
    batch_.push_back(partition);
    if (batch_.size() == options_.count_max) break;
  }
  return on(from_, LoadTable{Table::damaged}, Step::marks_from);
}

Effects MovePartitions::next_partition() {
  if (place_ == batch_.size()) {
    if (copied_.empty()) return end();
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
    const Bytes mark = mark_of(record->digest);
    const bool is_marked = marks_here_.contains(mark) || marks_there_.contains(mark);
    if (had != had_.end() && had->second == bytes && !is_marked) {
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
    const auto& [name, bytes] = lacked_.back();
    const auto other = had_.find(name);
    if (other == had_.end()) return copy(now);
    if (other->second != bytes && !is_replaced(other->second, bytes)) return displace(name);
    had_.erase(other);
    return copy(now);
  }
  if (!page_is_last_) return on(from_, ListPartition{batch_[place_], cursor_}, Step::list);
  if (!had_.empty()) return displace(had_.begin()->first);
  copied_.push_back(batch_[place_++]);
  return next_partition();
}

// By its commit, which leaves bytes alone that both name: they may be the only whole ones.
bool MovePartitions::is_replaced(const Bytes& there, const Bytes& here) const {
  const auto old = codec_.decode_record(there);
  const auto next = codec_.decode_record(here);
  return old && next && old->version < next->version;
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
  lost_ = false;
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
    return on_bad_bytes({ErrorCode::corrupt, "a copy has other bytes than its digest says"});
  }
  has_temp_ = false;
  return on(to_, PublishTemp{TempId{id().raw}, blob_path(record_.digest, record_.media)},
            Step::publish);
}

// What is not marked yet is looked for elsewhere first. A mark may be wrong, and one read too: both
// count only with a third look, at all bytes on the device itself.
Effects MovePartitions::on_bad_bytes(const Error& error) {
  const bool is_unreadable = error.code != ErrorCode::corrupt && error.code != ErrorCode::not_found;
  if (is_unreadable || !marks_here_.contains(mark_of(record_.digest))) {
    return pass_over(error.detail);
  }
  return on(from_, VerifyBlob{record_.digest, record_.digest}, Step::verify_from);
}

// Another name may have whole bytes on the new disk, or an earlier move left them there.
Effects MovePartitions::on_verified(const BlobVerified& verified) {
  if (step_ == Step::verify_from) {
    if (verified.intact) return pass_over("whole bytes were read as damaged ones");
    Effects effects = drop_temp();
    append(effects, on(to_, VerifyBlob{record_.digest, record_.digest}, Step::verify_to));
    return effects;
  }
  lost_ = verified.digest != record_.digest || !verified.intact;
  return write_record();
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
  request.bytes_lost = lost_;
  return on(to_, std::move(request), Step::commit);
}

// The commit stores no mark where the new disk had the record already, and takes none back.
Effects MovePartitions::on_committed(Instant now) {
  if (slot_) slot_->note_copied(now, lost_ ? 0 : record_.size);
  slot_.reset();
  const std::uint64_t sum = chunk_checksum(lacked_.back().second);
  lacked_.pop_back();
  const Bytes mark = mark_of(record_.digest);
  if (marks_here_.contains(mark) && !lost_) mended_[batch_[place_]] += sum - ~sum;
  if (marks_there_.contains(mark) == lost_) return next_record(now);
  if (lost_) {
    marks_there_.insert(mark);
  } else {
    marks_there_.erase(mark);
  }
  const std::optional<Bytes> row = lost_ ? std::optional(Bytes{}) : std::nullopt;
  return on(to_, PutValues{{damaged_row(record_.digest, row)}}, Step::mark);
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
    return here.fingerprint + mended_[partition] != copy.fingerprint ||
           here.record_count != copy.record_count || here.bytes != copy.bytes;
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

Effects MovePartitions::on_error(Instant now, const Error& error) {
  if (step_ == Step::read) return on_bad_bytes(error);
  const bool has_changed = step_ == Step::displace && error.code == ErrorCode::stale;
  return has_changed ? next_record(now) : fail(error.detail);
}

// The other partitions go on.
Effects MovePartitions::pass_over(const std::string& why) {
  problem_ = why;
  slot_.reset();
  lacked_.clear();
  Effects effects = drop_temp();
  effects.push_back(SuspectBytes{batch_[place_], record_.digest});
  ++place_;
  append(effects, next_partition());
  return effects;
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

Effects MovePartitions::drop_temp() {
  if (!std::exchange(has_temp_, false)) return {};
  return {UseDisk{address_of_disk(to_), DropTemp{TempId{id().raw}}, false}};
}

Effects MovePartitions::end() {
  step_ = Step::over;
  slot_.reset();
  return drop_temp();
}

Effects MovePartitions::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  if (!answer) return on_error(now, answer.error());
  const DiskAnswer& told = answer.value();
  switch (step_) {
    case Step::choose:
      return choose(std::get<DiskSummary>(told));
    case Step::marks_from:
      marks_here_ = keys_of(std::get<TableRows>(told));
      return on(to_, LoadTable{Table::damaged}, Step::marks_to);
    case Step::marks_to:
      marks_there_ = keys_of(std::get<TableRows>(told));
      return next_partition();
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
    case Step::verify_from:
    case Step::verify_to:
      return on_verified(std::get<BlobVerified>(told));
    case Step::publish:
      return write_record();
    case Step::record: {
      std::vector<std::string> paths{record_path(batch_[place_], lacked_.back().first)};
      if (!record_.tombstone && !lost_) paths.push_back(blob_path(record_.digest, record_.media));
      return on(to_, SyncFolders{std::move(paths)}, Step::folders);
    }
    case Step::folders:
      return commit();
    case Step::commit:
      return on_committed(now);
    case Step::mark:
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

}  // namespace pixmesh
