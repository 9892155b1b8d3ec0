#include "host/disk/stored_chunks.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/digest.h"
#include "base/limits.h"

namespace pixmesh {

Result<ByteView> read_stored_chunk(const FileHandle& file, const std::filesystem::path& path,
                                   std::uint64_t size, std::uint64_t index, std::uint64_t checksum,
                                   std::span<std::uint8_t> room) {
  const std::uint64_t offset = index * chunk_bytes_max;
  if (offset >= size) return Error{ErrorCode::corrupt, path.string() + " has fewer chunks"};
  const auto count =
      static_cast<std::size_t>(std::min<std::uint64_t>(size - offset, chunk_bytes_max));
  const std::span bytes = room.first(count);
  const Result<std::size_t> got = read_at(file, bytes, offset, path);
  if (!got) return got.error();
  if (got.value() == count && chunk_checksum(bytes) == checksum) return ByteView(bytes);
  return Error{ErrorCode::corrupt, "a chunk of " + path.string() + " has another checksum"};
}

Result<Done> check_chunks(const std::filesystem::path& path, const CheckChunks& asked) {
  const Result<FileHandle> file = FileHandle::open(path, O_RDONLY);
  if (!file) return file.error();
  struct stat facts {};
  if (::fstat(file->descriptor(), &facts) != 0) return system_error(errno, "stat", path);
  if (!asked.checksums.empty() && static_cast<std::uint64_t>(facts.st_size) != asked.size) {
    return Error{ErrorCode::corrupt, path.string() + " has another size"};
  }
  // Fresh pages for each file would cost as much as reading it.
  thread_local Bytes room(chunk_bytes_max);
  for (std::size_t i = 0; i < asked.checksums.size(); ++i) {
    const auto chunk = read_stored_chunk(file.value(), path, asked.size, asked.first + i,
                                         asked.checksums[i], room);
    if (!chunk) return chunk.error();
  }
  return Done{};
}

}  // namespace pixmesh
