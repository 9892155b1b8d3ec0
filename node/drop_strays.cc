#include "node/drop_strays.h"

#include "base/digest.h"
#include "node/partition_move.h"

namespace pixmesh {

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
