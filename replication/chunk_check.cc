#include "replication/chunk_check.h"

#include <algorithm>
#include <utility>

#include "replication/record.h"

namespace pixmesh {

// Who names only some of the chunks would have the others passed over.
ChunkCheck::ChunkCheck(File file)
    : file_(std::move(file)),
      intact_(file_.checksums.size() == chunk_count_of(file_.size)),
      done_(!intact_) {}

Effects ChunkCheck::start() const { return done_ ? Effects{} : check_next(); }

Effects ChunkCheck::check_next() const {
  const std::size_t count = std::min(file_.checksums.size() - next_, check_chunks_max);
  const auto from = file_.checksums.begin() + next_;
  return {UseDisk{
      file_.disk,
      CheckChunks{
          file_.path, file_.size, next_, {from, from + static_cast<std::ptrdiff_t>(count)}}}};
}

Effects ChunkCheck::on_disk(const Result<DiskAnswer>& answer) {
  intact_ = answer.has_value();
  next_ += static_cast<std::uint32_t>(check_chunks_max);
  done_ = !intact_ || next_ >= file_.checksums.size();
  return done_ ? Effects{} : check_next();
}

}  // namespace pixmesh
