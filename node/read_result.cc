#include "node/read_result.h"

#include <utility>

namespace pixmesh {

ReadResult::ReadResult(OperationId id, For whom, ChunkCheck::File file)
    : Operation(id), whom_(whom), check_(std::move(file)) {}

Effects ReadResult::start(Instant) {
  const ChunkCheck::File& file = check_.file();
  if (!is_small_result(file.size)) {
    over_ = check_.done();
    return check_.start();
  }
  ReadRange whole{file.path, 0, static_cast<std::uint32_t>(file.size), std::nullopt};
  if (!file.checksums.empty()) whole.checksum = file.checksums.front();
  return {UseDisk{file.disk, ReadBytes{std::move(whole)}}};
}

Effects ReadResult::on_disk(Instant, const Result<DiskAnswer>& answer) {
  if (is_small_result(check_.file().size)) {
    over_ = true;
    intact_ = answer.has_value();
    if (intact_) bytes_ = std::get<BytesRead>(answer.value()).bytes;
    return {};
  }
  Effects effects = check_.on_disk(answer);
  over_ = check_.done();
  intact_ = over_ && check_.intact();
  return effects;
}

}  // namespace pixmesh
