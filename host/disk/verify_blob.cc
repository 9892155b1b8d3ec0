#include "host/disk/verify_blob.h"

#include <fcntl.h>

#include "base/digest.h"
#include "base/limits.h"
#include "host/system/file_handle.h"

namespace pixmesh {

Result<Done> verify_blob(const std::filesystem::path& path, std::uint64_t size,
                         const Digest& digest) {
  const Result<FileHandle> file = FileHandle::open(path, O_RDONLY);
  if (!file) return file.error();
  (void)::posix_fadvise(file->descriptor(), 0, 0, POSIX_FADV_DONTNEED);
  Hasher hasher;
  Bytes chunk(chunk_bytes_max);
  std::uint64_t got_size = 0;
  for (;;) {
    const Result<std::size_t> got = read_at(file.value(), chunk, got_size, path);
    if (!got) return got.error();
    hasher.update(ByteView(chunk).first(got.value()));
    got_size += got.value();
    if (got.value() < chunk.size() || got_size > size) break;
  }
  if (got_size != size) return Error{ErrorCode::corrupt, path.string() + " has another size"};
  if (hasher.finish() != digest) {
    return Error{ErrorCode::corrupt, path.string() + " has another digest"};
  }
  return Done{};
}

}  // namespace pixmesh
