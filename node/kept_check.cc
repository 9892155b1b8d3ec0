#include "node/kept_check.h"

#include <utility>

#include "replication/record.h"

namespace pixmesh {

KeptCheck::KeptCheck(OperationId id, PartitionId disk, RequestId request, std::string path,
                     std::uint64_t size, std::vector<std::uint64_t> checksums)
    : Operation(id),
      disk_(disk),
      request_(request),
      path_(std::move(path)),
      size_(size),
      checksums_(std::move(checksums)) {}

Effects KeptCheck::start(Instant) { return read_next(); }

Effects KeptCheck::read_next() {
  return {UseDisk{disk_, ReadRange{path_, std::uint64_t{next_chunk_} * chunk_bytes_max,
                                   chunk_size_of(size_, next_chunk_), checksums_[next_chunk_]}}};
}

Effects KeptCheck::on_disk(Instant, const Result<DiskAnswer>& answer) {
  intact_ = answer.has_value();
  ++next_chunk_;
  over_ = !intact_ || next_chunk_ == checksums_.size();
  return over_ ? Effects{} : read_next();
}

}  // namespace pixmesh
