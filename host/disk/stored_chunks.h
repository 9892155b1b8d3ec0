#pragma once

#include <filesystem>
#include <span>

#include "base/disk.h"
#include "host/system/file_handle.h"

namespace pixmesh {

/// Reads chunk `index` of a file of `size` bytes into `room`, which has 1 MiB or all of the file.
/// @returns what was read; `corrupt` if the file ends before or the checksum is another one.
[[nodiscard]] Result<ByteView> read_stored_chunk(const FileHandle& file,
                                                 const std::filesystem::path& path,
                                                 std::uint64_t size, std::uint64_t index,
                                                 std::uint64_t checksum,
                                                 std::span<std::uint8_t> room);

/// See CheckChunks.
[[nodiscard]] Result<Done> check_chunks(const std::filesystem::path& path,
                                        const CheckChunks& asked);

}  // namespace pixmesh
