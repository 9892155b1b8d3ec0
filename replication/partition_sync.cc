#include "replication/partition_sync.h"

#include <algorithm>

#include "base/digest.h"
#include "replication/request_memory.h"

namespace pixmesh {
namespace {

constexpr Duration again_after = 1s;  // a drop waits for a commit that came in between

}  // namespace

PartitionSync::PartitionSync(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                             PartitionId partition, std::vector<NodeId> sources, bool with_wishes,
                             std::optional<HolderLists> under)
    : Operation(id),
      mesh_(mesh),
      codec_(codec),
      partition_(partition),
      sources_(std::move(sources)),
      with_wishes_(with_wishes),
      under_(std::move(under)) {
  // Whoever is asked first gives most of the bytes: another one for each partition.
  if (!sources_.empty()) {
    const auto first = static_cast<std::ptrdiff_t>(partition.raw % sources_.size());
    std::rotate(sources_.begin(), sources_.begin() + first, sources_.end());
  }
  all_sources_ = sources_;
}

Effects PartitionSync::start(Instant) { return {UseDisk{partition_, LoadTable{Table::damaged}}}; }

Effects PartitionSync::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  if (step_ == Step::store) return after_store(now, store_->on_disk(now, answer));
  if (step_ == Step::damaged && answer) {
    step_ = Step::local;
    if (const auto* table = std::get_if<TableRows>(&answer.value())) {
      for (const auto& [digest, value] : table->rows) damaged_.insert(digest);
    }
    return {UseDisk{partition_, ListPartition{partition_, std::nullopt}}};
  }
  if (step_ == Step::remember && answer) return page_is_last_ ? ask_page(now) : ask_wishes(now);
  const RecordPage* page = answer ? std::get_if<RecordPage>(&answer.value()) : nullptr;
  if (step_ == Step::local && page != nullptr) return on_local_page(now, *page);
  if (!is_asking() && step_ != Step::rest) step_ = Step::over;  // the disk failed
  return {};
}

Effects PartitionSync::on_local_page(Instant now, const RecordPage& page) {
  NameDigest last;
  for (const Bytes& bytes : page.records) {
    const auto record = codec_.decode_record(bytes);
    if (!record) continue;
    last = name_digest_of(record->name);
    if (damaged_.contains(damaged_row(record->digest, {}).key)) continue;
    ours_[last] = record->version;
  }
  if (page.complete || page.records.empty()) return next_source(now);
  return {UseDisk{partition_, ListPartition{partition_, last}}};
}

Effects PartitionSync::next_source(Instant now) {
  while (!sources_.empty() && !mesh_.is_alive(sources_.back())) sources_.pop_back();
  answer_by_.reset();
  if (sources_.empty()) {
    step_ = Step::over;
    return {};
  }
  source_ = sources_.back();
  sources_.pop_back();
  cursor_.reset();
  wish_cursor_.reset();
  source_failed_ = source_in_doubt_ = false;
  return with_wishes_ ? ask_wishes(now) : ask_page(now);
}

Effects PartitionSync::ask_wishes(Instant now) {
  step_ = Step::wishes;
  answer_by_ = now + Options{}.answer_timeout;
  return {Ask{*source_, WishesRequest{id(), partition_, wish_cursor_}}};
}

Effects PartitionSync::on_wishes(Instant now, const WishesAnswer& page) {
  answer_by_.reset();
  if (page.code != ErrorCode{}) return next_source(now);
  page_is_last_ = page.complete || page.wishes.empty();
  if (page.wishes.empty()) return ask_page(now);
  wish_cursor_ = page.wishes.back().request;
  PutValues rows;
  for (const RememberedWish& wish : page.wishes) rows.rows.push_back(request_row(partition_, wish));
  step_ = Step::remember;
  return {UseDisk{partition_, std::move(rows)}};
}

Effects PartitionSync::ask_page(Instant now) {
  step_ = Step::inventory;
  done_up_to_ = cursor_;
  answer_by_ = now + Options{}.answer_timeout;
  return {Ask{*source_, InventoryRequest{id(), partition_, cursor_, under_}}};
}

Effects PartitionSync::on_message(Instant now, NodeId from, const PeerMessage& message) {
  if (source_ != from) return {};
  const auto* wishes = std::get_if<WishesAnswer>(&message);
  if (wishes != nullptr && step_ == Step::wishes) return on_wishes(now, *wishes);
  const auto* page = std::get_if<InventoryAnswer>(&message);
  if (page != nullptr && step_ == Step::inventory) return on_page(now, *page);
  return {};
}

Effects PartitionSync::on_page(Instant now, const InventoryAnswer& page) {
  answer_by_.reset();
  if (page.code == ErrorCode::stale) strangers_.push_back(*source_);
  if (page.code != ErrorCode{}) return next_source(now);
  source_in_doubt_ = source_in_doubt_ || page.recovering;
  page_lasts_until_ = now + Options{}.page_lasts;
  missing_.clear();
  for (const ImageRecord& record : page.records) {
    const NameDigest name = name_digest_of(record.name);
    cursor_ = name;
    const auto mine = ours_.find(name);
    if (mine == ours_.end() || mine->second < record.version) missing_.push_back(record);
  }
  std::reverse(missing_.begin(), missing_.end());
  page_is_last_ = page.complete || page.records.empty();
  return next_record(now);
}

Effects PartitionSync::next_record(Instant now) {
  if (!missing_.empty()) {
    if (may_copy(now, missing_.back())) return store_next(now);
    step_ = Step::rest;
    return {};
  }
  if (!page_is_last_) return ask_page(now);
  if (!source_failed_) (source_in_doubt_ ? merged_in_doubt_ : merged_).push_back(*source_);
  return next_source(now);
}

bool PartitionSync::may_copy(Instant now, const ImageRecord& next) {
  if (mesh_.pace == nullptr || next.tombstone) return true;
  std::vector<NodeId> others = mesh_.lists_of(partition_).settled;
  std::erase(others, mesh_.self);
  const bool is_last_copy = count_common(others, mesh_.alive) <= 1;
  slot_ = mesh_.pace->open(now, next.size, is_last_copy);
  if (!slot_) rest_until_ = mesh_.pace->again_at();
  return slot_.has_value();
}

// What the source said long ago may have been replaced or removed since.
Effects PartitionSync::end_rest(Instant now) {
  if (now < page_lasts_until_) return next_record(now);
  cursor_ = done_up_to_;
  return ask_page(now);
}

Effects PartitionSync::store_next(Instant now) {
  step_ = Step::store;
  ImageRecord record = std::move(missing_.back());
  missing_.pop_back();
  done_up_to_ = name_digest_of(record.name);
  std::vector<NodeId> givers{*source_};
  for (const NodeId& node : all_sources_) {
    if (node != *source_) givers.push_back(node);
  }
  store_.emplace(mesh_, codec_,
                 StoreRecord::Bid{partition_, std::move(record), std::nullopt, std::nullopt,
                                  std::move(givers), partition_},
                 TempId{id().raw});
  return after_store(now, store_->start(now));
}

Effects PartitionSync::after_store(Instant now, Effects effects) {
  if (!store_->done()) return effects;
  bytes_moved_ += store_->fetched_bytes();
  if (slot_) slot_->note_copied(now, store_->fetched_bytes());
  slot_.reset();
  source_failed_ = source_failed_ || !is_durable(store_->code());
  append(effects, next_record(now));
  return effects;
}

Effects PartitionSync::on_bulk(Instant now, const BulkEnd&, const BulkMessage& message,
                               const std::optional<ChunkRef>& chunk) {
  if (step_ != Step::store) return {};
  return after_store(now, store_->on_bulk(now, message, chunk));
}

Effects PartitionSync::on_member_down(Instant now, NodeId member) {
  if (!is_asking() || source_ != member) return {};
  return next_source(now);
}

Effects PartitionSync::on_deadline(Instant now) {
  if (step_ == Step::store) return after_store(now, store_->on_deadline(now));
  if (step_ == Step::rest && now >= *rest_until_) return end_rest(now);
  if (is_asking() && answer_by_ && now >= *answer_by_) return next_source(now);
  return {};
}

std::optional<Instant> PartitionSync::next_deadline() const {
  if (step_ == Step::store) return store_->next_deadline();
  if (step_ == Step::rest) return rest_until_;
  return is_asking() ? answer_by_ : std::nullopt;
}

std::optional<StreamId> PartitionSync::receives() const {
  return step_ == Step::store ? store_->receives() : std::nullopt;
}

DropPartition::DropPartition(OperationId id, const RecordCodec& codec, PartitionId partition)
    : Operation(id), codec_(codec), partition_(partition) {}

Effects DropPartition::start(Instant) {
  return {UseDisk{partition_, ListPartition{partition_, std::nullopt}}};
}

Effects DropPartition::on_deadline(Instant now) {
  if (!again_at_ || now < *again_at_) return {};
  again_at_.reset();
  refused_ = last_page_ = false;
  cursor_.reset();
  return start(now);
}

Effects DropPartition::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  const RecordPage* page = answer ? std::get_if<RecordPage>(&answer.value()) : nullptr;
  Effects effects;
  if (page != nullptr) {
    last_page_ = page->complete || page->records.empty();
    for (const Bytes& bytes : page->records) {
      const auto record = codec_.decode_record(bytes);
      if (!record) continue;
      const NameDigest name = name_digest_of(record->name);
      cursor_ = name;
      ++waiting_for_;
      effects.push_back(UseDisk{
          partition_, DropRecord{partition_, name, bytes, record_path(partition_, name),
                                 record->tombstone ? std::string{}
                                                   : blob_path(record->digest, record->media)}});
    }
  } else if (waiting_for_ > 0) {
    --waiting_for_;
    refused_ = refused_ || (!answer && answer.error().code == ErrorCode::stale);
  } else {
    last_page_ = true;  // the disk failed; what is left is dropped another time
  }
  if (waiting_for_ > 0) return effects;
  if (last_page_ && refused_) {
    again_at_ = now + again_after;
    return effects;
  }
  over_ = last_page_;
  if (!over_) effects.push_back(UseDisk{partition_, ListPartition{partition_, cursor_}});
  return effects;
}

}  // namespace pixmesh
