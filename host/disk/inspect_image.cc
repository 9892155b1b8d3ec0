#include "host/disk/inspect_image.h"

#include <fcntl.h>

#include <algorithm>

#include "base/limits.h"
#include "host/disk/stored_chunks.h"
#include "processing/header_scan.h"

namespace pixmesh {
Result<ImageHeader> inspect_image(const std::filesystem::path& path, const InspectImage& asked) {
  const Result<FileHandle> file = FileHandle::open(path, O_RDONLY);
  if (!file) return file.error();
  Bytes room(static_cast<std::size_t>(std::min<std::uint64_t>(asked.size, chunk_bytes_max)));
  HeaderScan scan(asked.size, asked.limits);
  while (const auto wanted = scan.wanted()) {
    const std::uint64_t index = *wanted / chunk_bytes_max;
    if (index >= asked.checksums.size()) return Error{ErrorCode::corrupt, "no such chunk"};
    const Result<ByteView> chunk =
        read_stored_chunk(file.value(), path, asked.size, index, asked.checksums[index], room);
    if (!chunk) return chunk.error();
    scan.see(index * chunk_bytes_max, chunk.value());
  }
  return scan.header();
}

}  // namespace pixmesh
