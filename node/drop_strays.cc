#include "node/drop_strays.h"

#include "base/digest.h"
#include "node/partition_move.h"

namespace pixmesh {

Effects DropStrays::start(Instant) { return {UseDisk{address_of_disk(disk_), Summarize{}}}; }

Effects DropStrays::next() {
  cursor_.reset();
  while (!left_.empty() && !is_still_strayed()) left_.pop_back();
  over_ = left_.empty();
  return over_ ? Effects{} : list();
}

Effects DropStrays::list() {
  step_ = Step::list;
  return {UseDisk{address_of_disk(disk_), ListPartition{left_.back(), cursor_}}};
}

bool DropStrays::is_still_strayed() {
  const Stray stray = judge_(left_.back());
  left_some_ = left_some_ || stray == Stray::in_use;
  return stray == Stray::yes;
}

Effects DropStrays::on_disk(Instant, const Result<DiskAnswer>& answer) {
  if (step_ == Step::sum) {
    if (answer) choose(std::get<DiskSummary>(answer.value()));
    return next();
  }
  if (step_ == Step::drop) {
    left_some_ = left_some_ || !answer;
    if (--waiting_for_ > 0) return {};
  }
  if (step_ == Step::rows || !is_still_strayed()) {
    left_.pop_back();
    return next();
  }
  if (step_ == Step::drop) return page_is_last_ ? drop_rows() : list();
  if (answer) return drop(std::get<RecordPage>(answer.value()));
  over_ = left_some_ = true;  // the disk failed
  return {};
}

void DropStrays::choose(const DiskSummary& summary) {
  for (const PartitionSummary& sum : summary.partitions) {
    const Stray stray = judge_(sum.partition);
    if (stray == Stray::yes) left_.push_back(sum.partition);
    left_some_ = left_some_ || stray == Stray::in_use;
  }
}

Effects DropStrays::drop(const RecordPage& page) {
  page_is_last_ = page.complete || page.records.empty();
  Effects effects;
  for (const Bytes& bytes : page.records) {
    const auto record = codec_.decode_record(bytes);
    if (!record) continue;
    const NameDigest name = name_digest_of(record->name);
    cursor_ = name;
    effects.push_back(UseDisk{
        address_of_disk(disk_),
        DropRecord{left_.back(), name, bytes, record_path(left_.back(), name),
                   record->tombstone ? std::string{} : blob_path(record->digest, record->media)}});
  }
  waiting_for_ = effects.size();
  step_ = Step::drop;
  return waiting_for_ > 0 ? effects : drop_rows();
}

Effects DropStrays::drop_rows() {
  step_ = Step::rows;
  PutValues rows;
  for (Bytes& key : list_keys_of(left_.back())) {
    rows.rows.push_back({Table::lists, std::move(key), std::nullopt});
  }
  return {UseDisk{address_of_disk(disk_), std::move(rows)}};
}

}  // namespace pixmesh
