#include "host/system/file_handle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace pixmesh {

Error system_error(int number, std::string_view what, const std::filesystem::path& path) {
  ErrorCode code = ErrorCode::failed;
  if (number == ENOSPC || number == EDQUOT) code = ErrorCode::no_space;
  if (number == ENOENT || number == ENOTDIR) code = ErrorCode::not_found;
  return {code,
          std::string(what) + " " + path.string() + ": " + std::generic_category().message(number)};
}

FileHandle::FileHandle(FileHandle&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileHandle::~FileHandle() {
  if (is_open()) ::close(descriptor_);
}

Result<FileHandle> FileHandle::open(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0640);
  if (descriptor < 0) return system_error(errno, "cannot open", path);
  return FileHandle(descriptor);
}

Result<Done> write_at(const FileHandle& file, ByteView bytes, std::uint64_t offset,
                      const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(file.descriptor(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error(errno, "cannot write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return Done{};
}

Result<std::size_t> read_at(const FileHandle& file, std::span<std::uint8_t> out,
                            std::uint64_t offset, const std::filesystem::path& path) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t got = ::pread(file.descriptor(), out.data() + filled, out.size() - filled,
                                static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "cannot read", path);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

Result<Done> sync_folder(const std::filesystem::path& folder) {
  const Result<FileHandle> handle = FileHandle::open(folder, O_RDONLY | O_DIRECTORY);
  if (!handle) return handle.error();
  if (::fsync(handle->descriptor()) == 0) return Done{};
  return system_error(errno, "cannot sync", folder);
}

Result<Bytes> read_whole(const std::filesystem::path& path, std::size_t bytes_max) {
  Result<FileHandle> file = FileHandle::open(path, O_RDONLY);
  if (!file) return file.error();
  struct stat facts {};
  if (::fstat(file->descriptor(), &facts) != 0) return system_error(errno, "cannot stat", path);
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  if (size > bytes_max) return Error{ErrorCode::malformed, path.string() + ": too long"};
  Bytes bytes(static_cast<std::size_t>(size));
  const Result<std::size_t> got = read_at(file.value(), bytes, 0, path);
  if (!got) return got.error();
  bytes.resize(got.value());
  return bytes;
}

}  // namespace pixmesh
