#include "host/disk/framed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include "base/digest.h"

namespace pixmesh {
namespace {

constexpr std::string_view magic = "PXMF";
constexpr std::uint64_t frame_format = 1;

Result<Done> write_and_rename(const std::filesystem::path& path, const std::filesystem::path& temp,
                              ByteView payload, const SyncFile& sync) {
  Result<FileHandle> file = FileHandle::open(temp, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return file.error();
  Result<Done> written = write_at(file.value(), framed(payload), 0, temp);
  if (!written) return written;
  if (sync(file->descriptor()) != 0) return system_error(errno, "cannot sync", temp);
  if (::rename(temp.c_str(), path.c_str()) != 0) return system_error(errno, "cannot rename", path);
  return Done{};
}

}  // namespace

Bytes framed(ByteView payload) {
  return CanonicalBytes()
      .raw(bytes_of(magic))
      .u32(static_cast<std::uint32_t>(frame_format))
      .u64(payload.size())
      .u64(chunk_checksum(payload))
      .raw(payload)
      .bytes();
}

Result<Bytes> unframed(ByteView file) {
  if (file.size() < frame_bytes || text_of(file.first(magic.size())) != magic) {
    return Error{ErrorCode::malformed, "not a framed file"};
  }
  if (little_endian(file.subspan(4, 4)) != frame_format) {
    return Error{ErrorCode::malformed, "a framed file of an unknown format"};
  }
  const ByteView payload = file.subspan(frame_bytes);
  if (little_endian(file.subspan(8, 8)) != payload.size() ||
      little_endian(file.subspan(16, 8)) != chunk_checksum(payload)) {
    return Error{ErrorCode::corrupt, "the checksum or length of a framed file differs"};
  }
  return Bytes(payload.begin(), payload.end());
}

Result<Bytes> read_framed_file(const std::filesystem::path& path) {
  const Result<Bytes> file = read_whole(path, framed_payload_max + frame_bytes);
  if (!file) return file.error();
  Result<Bytes> payload = unframed(file.value());
  if (!payload) {
    return Error{payload.error().code, path.string() + ": " + payload.error().detail};
  }
  return payload;
}

Result<Done> write_framed_file(const std::filesystem::path& path, const std::filesystem::path& temp,
                               ByteView payload, const SyncFile& sync) {
  Result<Done> done = write_and_rename(path, temp, payload, sync);
  if (!done) ::unlink(temp.c_str());
  return done;
}

}  // namespace pixmesh
