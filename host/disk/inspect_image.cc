#include "host/disk/inspect_image.h"

#include <fcntl.h>

#include <algorithm>

#include "base/digest.h"
#include "base/limits.h"
#include "host/system/file_handle.h"
#include "processing/header_scan.h"

namespace pixmesh {
namespace {

/// Chunk `index` of the image. `room` has as many bytes as a chunk has at most.
Result<ByteView> read_chunk(const FileHandle& file, const InspectImage& asked, std::uint64_t index,
                            std::span<std::uint8_t> room) {
  const std::uint64_t offset = index * chunk_bytes_max;
  const auto count =
      static_cast<std::size_t>(std::min<std::uint64_t>(asked.size - offset, chunk_bytes_max));
  const std::span bytes = room.first(count);
  const Result<std::size_t> got = read_at(file, bytes, offset, asked.path);
  if (!got) return got.error();
  const bool intact = got.value() == count && index < asked.checksums.size() &&
                      chunk_checksum(bytes) == asked.checksums[index];
  if (intact) return ByteView(bytes);
  return Error{ErrorCode::corrupt, "a chunk of " + asked.path + " has another checksum"};
}

}  // namespace

Result<ImageHeader> inspect_image(const std::filesystem::path& path, const InspectImage& asked) {
  const Result<FileHandle> file = FileHandle::open(path, O_RDONLY);
  if (!file) return file.error();
  Bytes room(static_cast<std::size_t>(std::min<std::uint64_t>(asked.size, chunk_bytes_max)));
  HeaderScan scan(asked.size, asked.limits);
  while (const auto wanted = scan.wanted()) {
    const std::uint64_t index = *wanted / chunk_bytes_max;
    const Result<ByteView> chunk = read_chunk(file.value(), asked, index, room);
    if (!chunk) return chunk.error();
    scan.see(index * chunk_bytes_max, chunk.value());
  }
  return scan.header();
}

}  // namespace pixmesh
