#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace pixmesh {

/// fsync(2), or what a test puts in its place to play a dying device.
using SyncFile = std::function<int(int descriptor)>;

/// What errno says, as the codes callers act on: `no_space` for a full disk or quota, `not_found`
/// for a path that is not there, `failed` for the rest.
[[nodiscard]] Error system_error(int number, std::string_view what,
                                 const std::filesystem::path& path);

/// One open descriptor, closed with its owner.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int descriptor) : descriptor_(descriptor) {}
  FileHandle(FileHandle&& other) noexcept;
  FileHandle& operator=(FileHandle&& other) noexcept;
  ~FileHandle();

  /// open(2) with O_CLOEXEC; new files may be read by their owner and group.
  [[nodiscard]] static Result<FileHandle> open(const std::filesystem::path& path, int flags);

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

/// Writes all of `bytes` at `offset`. `path` is only for the error's text.
[[nodiscard]] Result<Done> write_at(const FileHandle& file, ByteView bytes, std::uint64_t offset,
                                    const std::filesystem::path& path);

/// Reads until `out` is full or the file ends. @returns the number of bytes read.
[[nodiscard]] Result<std::size_t> read_at(const FileHandle& file, std::span<std::uint8_t> out,
                                          std::uint64_t offset, const std::filesystem::path& path);

/// fsync of a folder: its entries are durable afterwards.
[[nodiscard]] Result<Done> sync_folder(const std::filesystem::path& folder);

/// All of a small file; `malformed` if it is longer than `bytes_max`.
[[nodiscard]] Result<Bytes> read_whole(const std::filesystem::path& path, std::size_t bytes_max);

}  // namespace pixmesh
