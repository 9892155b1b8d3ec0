#pragma once

#include <filesystem>

#include "base/bytes.h"
#include "base/result.h"
#include "host/system/file_handle.h"

namespace pixmesh {

// A small file that tells by itself whether it is whole:
//
//   "PXMF"  format u32  length u64  XXH3-64 of the payload u64  payload
//
// all little-endian, 24 bytes before the payload. Format 1 is the only one so far.

inline constexpr std::size_t frame_bytes = 24;
inline constexpr std::size_t framed_payload_max = 4U << 20;

[[nodiscard]] Bytes framed(ByteView payload);

/// @returns the payload; `malformed` if it is no frame or one of another format, `corrupt` if the
/// length or the checksum differs.
[[nodiscard]] Result<Bytes> unframed(ByteView file);

/// The payload of the file at `path`; `not_found`, `failed`, and the errors of `unframed`.
[[nodiscard]] Result<Bytes> read_framed_file(const std::filesystem::path& path);

/// Writes `temp`, syncs it and renames it to `path`: after a crash the old content or the new one
/// is there, never a part. The folder is not synced. `temp` is removed when anything fails.
[[nodiscard]] Result<Done> write_framed_file(const std::filesystem::path& path,
                                             const std::filesystem::path& temp, ByteView payload,
                                             const SyncFile& sync);

}  // namespace pixmesh
