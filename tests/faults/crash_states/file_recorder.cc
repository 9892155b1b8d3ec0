#include "file_recorder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>

namespace pixmesh::crash_test {
namespace {

using Kind = FileChange::Kind;

struct OpenFile {
  std::uint32_t file = 0;  // 0: a folder
  std::string path;        // of a folder
  bool durable = false;
};

/// What is being recorded. Its mutex is held over each system call, so the order is the real one.
struct Recording {
  std::mutex mutex;
  bool is_on = false;
  std::string folder;  // with a slash at the end
  std::uint32_t last_file = 0;
  std::map<std::string, std::uint32_t> files;  // by path, those that exist
  std::map<int, OpenFile> open;
  std::vector<FileChange> changes;
};

Recording& recording() {
  static auto* all = new Recording;  // outlives every thread
  return *all;
}

std::optional<std::string> relative(const Recording& all, const char* path) {
  const std::string_view text(path);
  if (all.is_on && text.size() + 1 == all.folder.size() && all.folder.starts_with(text)) return "";
  if (!all.is_on || !text.starts_with(all.folder)) return std::nullopt;
  return std::string(text.substr(all.folder.size()));
}

void note(Recording& all, FileChange change) { all.changes.push_back(std::move(change)); }

void note_open(Recording& all, const std::string& path, int descriptor, int flags) {
  struct stat facts {};
  if (::syscall(SYS_newfstatat, descriptor, "", &facts, AT_EMPTY_PATH) != 0) return;
  if (S_ISDIR(facts.st_mode)) {
    all.open[descriptor] = OpenFile{0, path, false};
    return;
  }
  auto [known, is_new] = all.files.try_emplace(path, all.last_file + 1);
  if (is_new) {
    ++all.last_file;
    note(all, {.kind = Kind::create, .file = known->second, .path = path});
  } else if ((flags & O_TRUNC) != 0) {
    note(all, {.kind = Kind::truncate, .file = known->second});
  }
  all.open[descriptor] = OpenFile{known->second, {}, (flags & (O_DSYNC | O_SYNC)) != 0};
}

int open_and_note(int folder, const char* path, int flags, mode_t mode) {
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  const auto descriptor = static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
  const auto below = relative(all, path);
  if (descriptor >= 0) all.open.erase(descriptor);
  if (descriptor >= 0 && below) note_open(all, *below, descriptor, flags);
  return descriptor;
}

void note_write(Recording& all, int descriptor, const void* bytes, std::size_t size,
                std::uint64_t offset) {
  const auto found = all.open.find(descriptor);
  if (found == all.open.end()) return;
  const auto* begin = static_cast<const std::uint8_t*>(bytes);
  note(all, {.kind = Kind::write,
             .file = found->second.file,
             .offset = offset,
             .bytes = Bytes(begin, begin + size),
             .durable = found->second.durable});
}

ssize_t write_and_note(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  const ssize_t written = ::syscall(SYS_pwrite64, descriptor, bytes, size, offset);
  if (written > 0) {
    note_write(all, descriptor, bytes, static_cast<std::size_t>(written),
               static_cast<std::uint64_t>(offset));
  }
  return written;
}

int sync_and_note(long call, int descriptor) {
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  const auto found = all.open.find(descriptor);
  // Nothing has to be durable while this process lives, so nobody waits for the device.
  if (found == all.open.end()) return static_cast<int>(::syscall(call, descriptor));
  const OpenFile& file = found->second;
  if (file.file == 0) {
    note(all, {.kind = Kind::sync_folder, .path = file.path});
  } else {
    note(all, {.kind = Kind::sync_file, .file = file.file});
  }
  return 0;
}

int unlink_and_note(const char* path) {
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  const auto done = static_cast<int>(::syscall(SYS_unlink, path));
  const auto below = relative(all, path);
  if (done == 0 && below) {
    all.files.erase(*below);
    note(all, {.kind = Kind::unlink, .path = *below});
  }
  return done;
}

int rename_and_note(const char* from, const char* to) {
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  const auto done = static_cast<int>(::syscall(SYS_rename, from, to));
  const auto path = relative(all, from);
  const auto target = relative(all, to);
  if (done == 0 && path && target) {
    const std::uint32_t file = all.files[*path];
    all.files.erase(*path);
    all.files[*target] = file;
    note(all, {.kind = Kind::rename, .file = file, .path = *path, .target = *target});
  }
  return done;
}

int folder_and_note(Kind kind, const char* path, mode_t mode) {
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  const long done =
      kind == Kind::make_folder ? ::syscall(SYS_mkdir, path, mode) : ::syscall(SYS_rmdir, path);
  const auto below = relative(all, path);
  if (done == 0 && below) note(all, {.kind = kind, .path = *below});
  return static_cast<int>(done);
}

}  // namespace

void start_recording(const std::filesystem::path& folder) {
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  all.folder = folder.string() + "/";
  all.is_on = true;
  all.last_file = 0;
  all.files.clear();
  all.open.clear();
  all.changes.clear();
}

void record_mark(std::uint64_t number) {
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  note(all, {.kind = Kind::mark, .offset = number});
}

std::vector<FileChange> stop_recording() {
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  all.is_on = false;
  all.open.clear();
  return std::move(all.changes);
}

}  // namespace pixmesh::crash_test

// What the C library offers under these names, for this program and every library in it.
using namespace pixmesh::crash_test;
extern "C" {

#define PIXMESH_OPEN(name)                                    \
  int name(const char* path, int flags, ...) {                \
    va_list rest;                                             \
    va_start(rest, flags);                                    \
    const auto mode = static_cast<mode_t>(va_arg(rest, int)); \
    va_end(rest);                                             \
    return open_and_note(AT_FDCWD, path, flags, mode);        \
  }
PIXMESH_OPEN(open)
PIXMESH_OPEN(open64)

int close(int descriptor) {
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  all.open.erase(descriptor);
  return static_cast<int>(::syscall(SYS_close, descriptor));
}

ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  return write_and_note(descriptor, bytes, size, offset);
}
ssize_t pwrite64(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  return write_and_note(descriptor, bytes, size, offset);
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  const auto offset = static_cast<off_t>(::syscall(SYS_lseek, descriptor, 0, SEEK_CUR));
  const ssize_t written = ::syscall(SYS_writev, descriptor, parts, count);
  auto at = static_cast<std::uint64_t>(offset);
  for (int i = 0; written > 0 && i < count; ++i) {
    note_write(all, descriptor, parts[i].iov_base, parts[i].iov_len, at);
    at += parts[i].iov_len;
  }
  return written;
}
ssize_t pwritev(int descriptor, const iovec* parts, int count, off_t offset) {
  ssize_t written = 0;
  for (int i = 0; i < count; ++i) {
    const ssize_t part =
        write_and_note(descriptor, parts[i].iov_base, parts[i].iov_len, offset + written);
    if (part < 0) return part;
    written += part;
  }
  return written;
}

int ftruncate(int descriptor, off_t size) {
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  const auto done = static_cast<int>(::syscall(SYS_ftruncate, descriptor, size));
  const auto found = all.open.find(descriptor);
  if (done == 0 && found != all.open.end()) {
    note(all, {.kind = FileChange::Kind::truncate,
               .file = found->second.file,
               .offset = static_cast<std::uint64_t>(size)});
  }
  return done;
}
int ftruncate64(int descriptor, off_t size) { return ftruncate(descriptor, size); }

int fsync(int descriptor) { return sync_and_note(SYS_fsync, descriptor); }
int fdatasync(int descriptor) { return sync_and_note(SYS_fdatasync, descriptor); }

int unlink(const char* path) noexcept { return unlink_and_note(path); }
int rename(const char* from, const char* to) noexcept { return rename_and_note(from, to); }
int mkdir(const char* path, mode_t mode) noexcept {
  return folder_and_note(FileChange::Kind::make_folder, path, mode);
}
int rmdir(const char* path) noexcept {
  return folder_and_note(FileChange::Kind::remove_folder, path, 0);
}
int remove(const char* path) noexcept {
  const int done = unlink_and_note(path);
  return done == 0 || errno != EISDIR ? done : rmdir(path);
}

}  // extern "C"
