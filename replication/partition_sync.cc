#include "replication/partition_sync.h"

#include <algorithm>

#include "base/digest.h"
#include "replication/collected.h"
#include "replication/request_memory.h"

namespace pixmesh {
namespace {

constexpr Duration again_after = 1s;  // a drop waits for a commit that came in between

}  // namespace

PartitionSync::PartitionSync(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                             PartitionId partition, std::vector<NodeId> sources, bool with_wishes,
                             std::optional<HolderLists> under, std::optional<Quorums> judges)
    : Operation(id),
      mesh_(mesh),
      codec_(codec),
      partition_(partition),
      sources_(std::move(sources)),
      with_wishes_(with_wishes),
      under_(std::move(under)),
      judges_(std::move(judges)) {
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
  if (step_ == Step::sweep) {
    Effects effects = sweep_->on_disk(answer);
    if (sweep_->done()) step_ = Step::over;
    return effects;
  }
  if (step_ == Step::raise) {
    step_ = Step::over;
    if (!answer) return {};
    Effects effects{RaiseCollected{partition_, known_collected_}};
    append(effects, sweep());
    return effects;
  }
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
    const bool damaged = damaged_.contains(damaged_row(record->digest, {}).key);
    held_[last] = {record->version, damaged, false};
  }
  if (page.complete || page.records.empty()) return next_source(now);
  return {UseDisk{partition_, ListPartition{partition_, last}}};
}

Effects PartitionSync::next_source(Instant now) {
  while (!sources_.empty() && !mesh_.is_alive(sources_.back())) sources_.pop_back();
  answer_by_.reset();
  if (sources_.empty()) return conclude();
  source_ = sources_.back();
  sources_.pop_back();
  cursor_.reset();
  wish_cursor_.reset();
  source_failed_ = source_in_doubt_ = source_joining_ = false;
  listed_.clear();
  source_collected_ = 0;
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
  source_joining_ = source_joining_ || page.joining;
  source_collected_ = page.collected;
  page_lasts_until_ = now + Options{}.page_lasts;
  missing_.clear();
  for (const ImageRecord& record : page.records) {
    cursor_ = name_digest_of(record.name);
    listed_.push_back(*cursor_);
    if (wants(record)) missing_.push_back(record);
  }
  std::reverse(missing_.begin(), missing_.end());
  page_is_last_ = page.complete || page.records.empty();
  return next_record(now);
}

bool PartitionSync::wants(const ImageRecord& record) const {
  const auto mine = held_.find(name_digest_of(record.name));
  if (mine != held_.end()) return mine->second.damaged || mine->second.version < record.version;
  if (record.version.clock > mesh_.collected_of(partition_)) return true;
  const bool is_member = is_holder(mesh_.lists_of(partition_), *source_) && !source_joining_;
  return !record.tombstone && is_member;
}

void PartitionSync::end_source() {
  (source_in_doubt_ ? merged_in_doubt_ : merged_).push_back(*source_);
  const Quorums settled =
      judges_ ? *judges_ : former_quorums_of(mesh_.lists_of(partition_), QuorumKind::read);
  const bool is_settled = std::ranges::any_of(
      settled, [this](const Quorum& one) { return contains(one.of, *source_); });
  const bool counts = is_settled || (judges_ && !source_joining_);
  if (source_in_doubt_ || !counts) return;
  known_collected_ = std::max(known_collected_, source_collected_);
  for (const NameDigest& name : listed_) {
    const auto mine = held_.find(name);
    if (mine != held_.end()) mine->second.confirmed = true;
  }
}

// A settled member has all that was acknowledged, and of what it has only the tombstones may be
// collected. All others are judged.
Effects PartitionSync::conclude() {
  std::vector<NodeId> merged = merged_;
  std::sort(merged.begin(), merged.end());
  const bool settled = !judges_ && !mesh_.is_recovering(partition_) &&
                       contains(mesh_.lists_of(partition_).settled, mesh_.self);
  judged_ = judges_ && has_all(merged, *judges_);
  if (!judged_ && !settled) {
    step_ = Step::over;
    return {};
  }
  if (known_collected_ <= mesh_.collected_of(partition_)) return sweep();
  step_ = Step::raise;  // before anything is dropped: a crash must leave nothing that could return
  return {UseDisk{partition_, PutValues{{collected_row(partition_, known_collected_)}}}};
}

Effects PartitionSync::sweep() {
  const auto is_old = [this](const auto& one) {
    return !one.second.confirmed && one.second.version.clock <= known_collected_;
  };
  step_ = std::ranges::any_of(held_, is_old) ? Step::sweep : Step::over;
  if (step_ == Step::over) return {};
  sweep_.emplace(codec_, partition_, [this](const ImageRecord& record) {
    const auto held = held_.find(name_digest_of(record.name));
    return held != held_.end() && !held->second.confirmed &&
           record.version.clock <= known_collected_ && (judged_ || record.tombstone);
  });
  return sweep_->start();
}

Effects PartitionSync::next_record(Instant now) {
  if (!missing_.empty()) {
    if (may_copy(now, missing_.back())) return store_next(now);
    step_ = Step::rest;
    return {};
  }
  if (!page_is_last_) return ask_page(now);
  if (!source_failed_) end_source();
  return next_source(now);
}

bool PartitionSync::may_copy(Instant now, const ImageRecord& next) {
  if (mesh_.pace == nullptr || next.tombstone) return true;
  std::vector<NodeId> others = former_holders_of(mesh_.lists_of(partition_));
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
  const std::vector<NodeId> may_have = may_have_bytes();
  std::vector<NodeId> givers{*source_};
  for (const NodeId& node : may_have.empty() ? all_sources_ : may_have) {
    if (node != *source_) givers.push_back(node);
  }
  StoreRecord::Bid bid{partition_,   std::move(record), std::nullopt,
                       std::nullopt, std::move(givers), partition_};
  if (slot_) bid.slot = &*slot_;
  bid.may_have_bytes = may_have;
  store_.emplace(mesh_, codec_, std::move(bid), TempId{id().raw});
  return after_store(now, store_->start(now));
}

// Only of a partition whose holders we know: else somebody may have them of whom we know nothing.
std::vector<NodeId> PartitionSync::may_have_bytes() const {
  const HolderLists& lists = mesh_.lists_of(partition_);
  if (!lists.known() || !is_holder(lists, mesh_.self)) return {};
  std::vector<NodeId> nodes = former_holders_of(lists);
  for (const NodeId& source : all_sources_) insert_sorted(nodes, source);
  std::erase(nodes, mesh_.self);
  return nodes;
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
    : Operation(id),
      partition_(partition),
      sweep_(codec, partition, [](const ImageRecord&) { return true; }) {}

Effects DropPartition::start(Instant) { return sweep_.start(); }

Effects DropPartition::on_deadline(Instant now) {
  if (!again_at_ || now < *again_at_) return {};
  again_at_.reset();
  return start(now);
}

// A commit to one of them will be refused too, for we are no holder any more.
Effects DropPartition::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  Effects effects = sweep_.on_disk(answer);
  if (sweep_.done() && sweep_.left_some()) {
    again_at_ = now + again_after;
  } else {
    over_ = sweep_.done();
  }
  return effects;
}

}  // namespace pixmesh
