#include "replication/chunk_check.h"

#include <utility>

#include "replication/record.h"

namespace pixmesh {

// Who names only some of the chunks would have the others passed over.
ChunkCheck::ChunkCheck(File file)
    : file_(std::move(file)),
      intact_(file_.checksums.size() == chunk_count_of(file_.size)),
      done_(!intact_) {}

Effects ChunkCheck::start() const { return done_ ? Effects{} : read_next(); }

Effects ChunkCheck::read_next() const {
  ReadRange read{file_.path, std::uint64_t{next_} * chunk_bytes_max, 0, std::nullopt};
  if (next_ < file_.checksums.size()) {
    read.length = chunk_size_of(file_.size, next_);
    read.checksum = file_.checksums[next_];
  }
  return {UseDisk{file_.disk, std::move(read)}};
}

Effects ChunkCheck::on_disk(const Result<DiskAnswer>& answer) {
  intact_ = answer.has_value();
  ++next_;
  done_ = !intact_ || next_ >= file_.checksums.size();
  return done_ ? Effects{} : read_next();
}

}  // namespace pixmesh
