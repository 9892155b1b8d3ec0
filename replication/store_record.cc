#include "replication/store_record.h"

#include <algorithm>

#include "base/digest.h"
#include "replication/request_memory.h"

namespace pixmesh {

StoreRecord::StoreRecord(const MeshView& mesh, const RecordCodec& codec, Bid bid,
                         TempId temp_for_fetch)
    : mesh_(mesh),
      codec_(codec),
      bid_(std::move(bid)),
      temp_for_fetch_(temp_for_fetch),
      blob_path_(blob_path(bid_.record.digest, bid_.record.media)),
      record_path_(record_path(bid_.partition, name_digest_of(bid_.record.name))) {}

Effects StoreRecord::start(Instant) {
  FindRecord find{bid_.partition, name_digest_of(bid_.record.name), {}, std::nullopt};
  if (!bid_.record.tombstone) find.digest = bid_.record.digest;
  return {UseDisk{bid_.partition, std::move(find)}};
}

Effects StoreRecord::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  if (done()) return {};
  if (step_ == Step::fetch) {
    Effects effects = fetch_->on_disk(now, answer);
    append(effects, after_fetch());
    return effects;
  }
  if (step_ == Step::look) return on_looked(now, answer);
  if (step_ == Step::search) return on_searched(now, answer.has_value());
  if (!answer) return fail(answer.error());
  switch (step_) {
    case Step::find:
      if (const auto* found = std::get_if<StoredRecord>(&answer.value())) {
        return on_found(now, *found);
      }
      return finish(CommitCode::failed, "the disk answered something else");
    case Step::publish:
      return write_record();
    case Step::record:
      step_ = Step::folders;
      if (bid_.record.tombstone || lost_) {
        return {UseDisk{bid_.partition, SyncFolders{{record_path_}}}};
      }
      return {UseDisk{bid_.partition, SyncFolders{{blob_path_, record_path_}}}};
    case Step::folders:
      return commit();
    case Step::commit:
      if (const auto* outcome = std::get_if<CommitOutcome>(&answer.value())) {
        return on_committed(*outcome);
      }
      return {};
    case Step::mend:
      return after_commit();
    case Step::remember:
      return finish(code_);
    case Step::look:
    case Step::search:
    case Step::fetch:
    case Step::done:
      return {};
  }
  return {};
}

// A record file without its commit would keep the record from ever being dropped.
Effects StoreRecord::fail(const Error& error) {
  const bool is_ahead = step_ == Step::folders;
  const bool is_full = error.code == ErrorCode::no_space;
  Effects effects = finish(is_full ? CommitCode::no_space : CommitCode::failed, error.detail);
  if (!is_ahead) return effects;
  AbandonRecord file{bid_.partition, name_digest_of(bid_.record.name)};
  effects.push_back(UseDisk{bid_.partition, std::move(file), false});
  return effects;
}

Effects StoreRecord::on_found(Instant now, const StoredRecord& found) {
  damaged_ = found.damaged;
  if (!found.record.empty()) {
    const auto stored = codec_.decode_record(found.record);
    same_ = stored && stored->version == bid_.record.version;
    if (same_ && !damaged_) {
      return bid_.overtaken ? remember(CommitCode::already) : finish(CommitCode::already);
    }
    if (stored && stored->version > bid_.record.version) return remember(CommitCode::superseded);
    had_them_ = stored && stored->digest == bid_.record.digest;
  }
  if (bid_.record.tombstone) return write_record();
  if (bid_.temp) {
    const TempId temp = *bid_.temp;
    bid_.temp.reset();
    return publish(temp);
  }
  return damaged_ ? search(now) : look_at_bytes(now);
}

// A new version of what this holder answers for already promises no more than the one before. For
// any other name the bytes must be whole now: what rotted unnoticed would be acknowledged.
Effects StoreRecord::look_at_bytes(Instant now) {
  step_ = Step::look;
  ChunkCheck::File file{bid_.partition, blob_path_, 0, {}};  // only whether it is there
  if (!had_them_) {
    file.size = bid_.record.size;
    file.checksums = bid_.record.checksums;
  }
  bytes_here_.emplace(std::move(file));
  return bytes_here_->done() ? search(now) : bytes_here_->start();
}

Effects StoreRecord::on_looked(Instant now, const Result<DiskAnswer>& answer) {
  Effects effects = bytes_here_->on_disk(answer);
  if (!bytes_here_->done()) return effects;
  if (bytes_here_->intact()) return write_record();
  const ErrorCode code = answer.error().code;
  damaged_ = code == ErrorCode::corrupt;
  is_suspect_ = had_them_ || code != ErrorCode::not_found;
  return search(now);
}

Effects StoreRecord::search(Instant now) {
  step_ = Step::search;
  unsearched_ = mesh_.other_disks(bid_.partition);
  return search_next(now);
}

// Whether a file is whole shows when it is copied.
Effects StoreRecord::search_next(Instant now) {
  if (unsearched_.empty()) return fetch(now);
  return {UseDisk{unsearched_.back(), CheckChunks{blob_path_, 0, 0, {}}}};
}

Effects StoreRecord::on_searched(Instant now, bool is_there) {
  if (is_there) own_disks_.push_back(unsearched_.back());
  unsearched_.pop_back();
  return search_next(now);
}

Effects StoreRecord::fetch(Instant now) {
  if (bid_.sources.empty() && own_disks_.empty()) {
    return finish(CommitCode::failed,
                  damaged_ ? "the bytes here are damaged" : "the bytes are not here");
  }
  Fetch::Options options;
  options.slot = bid_.slot;
  options.own_disks = own_disks_;
  if (bid_.ingress != nullptr) {
    slot_ = bid_.ingress->open();
    if (!slot_) return finish(CommitCode::failed, "too much is on its way to this node");
    options.credit = bid_.ingress->window();
  }
  step_ = Step::fetch;
  fetch_.emplace(mesh_, bid_.partition, bid_.source_partition, bid_.record, bid_.sources,
                 temp_for_fetch_, options);
  return fetch_->start(now);
}

Effects StoreRecord::after_fetch() {
  if (!fetch_->done()) return {};
  slot_.reset();
  if (!fetch_->succeeded() && are_bytes_lost()) return store_without_bytes();
  is_suspect_ = is_suspect_ && !fetch_->succeeded();
  if (!fetch_->succeeded()) return finish(CommitCode::failed, fetch_->detail());
  fetched_bytes_ = bid_.record.size;
  return publish(fetch_->temp());
}

bool StoreRecord::are_bytes_lost() const {
  std::vector<NodeId> without = fetch_->without_bytes();
  std::sort(without.begin(), without.end());
  if (!own_disks_.empty() && !contains(without, mesh_.self)) return false;
  return !bid_.may_have_bytes.empty() && includes_all(without, bid_.may_have_bytes);
}

// What is here is looked at again: a mark on a whole copy is taken back.
Effects StoreRecord::store_without_bytes() {
  is_suspect_ = true;
  if (same_) return finish(CommitCode::already);
  lost_ = true;
  return write_record();
}

Effects StoreRecord::publish(TempId temp) {
  step_ = Step::publish;
  return {UseDisk{bid_.partition, PublishTemp{temp, blob_path_}}};
}

Effects StoreRecord::write_record() {
  step_ = Step::record;
  return {UseDisk{bid_.partition, WriteFile{record_path_, codec_.encode_record(bid_.record)}}};
}

Effects StoreRecord::commit() {
  step_ = Step::commit;
  CommitRecord request;
  request.partition = bid_.partition;
  request.name_digest = name_digest_of(bid_.record.name);
  request.name = bid_.record.name;
  request.digest = bid_.record.digest;
  request.size = bid_.record.size;
  request.record = codec_.encode_record(bid_.record);
  if (bid_.fence) request.fence = codec_.encode_lists(*bid_.fence);
  request.also = wishes();
  request.bytes_lost = lost_;
  return {UseDisk{bid_.partition, std::move(request)}};
}

Effects StoreRecord::on_committed(const CommitOutcome& outcome) {
  code_ = static_cast<CommitCode>(outcome.code);
  if (code_ == CommitCode::stale) {
    if (const auto lists = codec_.decode_lists(outcome.current)) current_lists_ = lists.value();
  }
  if (!damaged_ || lost_) return after_commit();
  step_ = Step::mend;  // the bytes are good, whatever became of the record
  return {UseDisk{bid_.partition, PutValues{{damaged_row(bid_.record.digest, std::nullopt)}}}};
}

Effects StoreRecord::after_commit() {
  if (code_ == CommitCode::late) return finish(code_, "older than deletions that are forgotten");
  // Whoever committed this record meanwhile need not have known what it overtook.
  const bool knows_more = code_ == CommitCode::already && bid_.overtaken;
  return code_ == CommitCode::superseded || knows_more ? remember(code_) : finish(code_);
}

std::vector<TableRow> StoreRecord::wishes() const {
  std::vector<TableRow> rows{request_row(bid_.partition, bid_.record)};
  if (bid_.overtaken) rows.push_back(request_row(bid_.partition, *bid_.overtaken));
  return rows;
}

Effects StoreRecord::remember(CommitCode code) {
  step_ = Step::remember;
  code_ = code;
  return {UseDisk{bid_.partition, PutValues{wishes()}}};
}

Effects StoreRecord::finish(CommitCode code, std::string detail) {
  step_ = Step::done;
  code_ = code;
  detail_ = std::move(detail);
  Effects effects;
  if (bid_.record.tombstone && code == CommitCode::stored) {
    effects.push_back(NameRemoved{bid_.record.name});
  }
  if (is_suspect_) effects.push_back(SuspectBytes{bid_.partition, bid_.record.digest});
  if (!bid_.temp) return effects;
  const TempId temp = *bid_.temp;
  bid_.temp.reset();
  effects.push_back(UseDisk{bid_.partition, DropTemp{temp}, false});
  return effects;
}

Effects StoreRecord::on_bulk(Instant now, const BulkMessage& message,
                             const std::optional<ChunkRef>& chunk) {
  if (step_ != Step::fetch) return {};
  Effects effects = fetch_->on_bulk(now, message, chunk);
  append(effects, after_fetch());
  return effects;
}

Effects StoreRecord::on_deadline(Instant now) {
  if (step_ != Step::fetch) return {};
  Effects effects = fetch_->on_deadline(now);
  append(effects, after_fetch());
  return effects;
}

std::optional<Instant> StoreRecord::next_deadline() const {
  return step_ == Step::fetch ? fetch_->next_deadline() : std::nullopt;
}

std::optional<StreamId> StoreRecord::receives() const {
  return step_ == Step::fetch ? fetch_->receives() : std::nullopt;
}

}  // namespace pixmesh
