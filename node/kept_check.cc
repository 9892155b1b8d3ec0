#include "node/kept_check.h"

#include <utility>

namespace pixmesh {

KeptCheck::KeptCheck(OperationId id, RequestId request, ChunkCheck::File file)
    : Operation(id), request_(request), check_(std::move(file)) {}

Effects KeptCheck::start(Instant) { return check_.start(); }

Effects KeptCheck::on_disk(Instant, const Result<DiskAnswer>& answer) {
  return check_.on_disk(answer);
}

}  // namespace pixmesh
