#include "replication/record_sweep.h"

#include "base/digest.h"

namespace pixmesh {

RecordSweep::RecordSweep(const RecordCodec& codec, PartitionId partition, Condition goes)
    : codec_(codec), partition_(partition), goes_(std::move(goes)) {}

Effects RecordSweep::start() {
  cursor_.reset();
  left_some_ = last_page_ = done_ = false;
  return {UseDisk{partition_, ListPartition{partition_, std::nullopt}}};
}

Effects RecordSweep::on_disk(const Result<DiskAnswer>& answer) {
  const RecordPage* page = answer ? std::get_if<RecordPage>(&answer.value()) : nullptr;
  Effects effects;
  if (page != nullptr) {
    last_page_ = page->complete || page->records.empty();
    for (const Bytes& bytes : page->records) {
      const auto record = codec_.decode_record(bytes);
      if (!record) continue;
      const NameDigest name = name_digest_of(record->name);
      cursor_ = name;
      if (!goes_(record.value())) continue;
      ++waiting_for_;
      effects.push_back(UseDisk{
          partition_, DropRecord{partition_, name, bytes, record_path(partition_, name),
                                 record->tombstone ? std::string{}
                                                   : blob_path(record->digest, record->media)}});
    }
  } else if (waiting_for_ > 0) {
    --waiting_for_;
    left_some_ = left_some_ || (!answer && answer.error().code == ErrorCode::stale);
  } else {
    last_page_ = true;  // the disk failed; what is left is dropped another time
  }
  if (waiting_for_ > 0) return effects;
  done_ = last_page_;
  if (!done_) effects.push_back(UseDisk{partition_, ListPartition{partition_, cursor_}});
  return effects;
}

}  // namespace pixmesh
