#include "host/disk/disk_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <system_error>
#include <thread>

#include "base/limits.h"
#include "host/disk/framed_file.h"
#include "host/system/clocks.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view record_extension = ".rec";
constexpr std::uint64_t kept_free_one_in = 20;

std::int64_t unix_seconds() {
  return static_cast<std::int64_t>(wall_now().microseconds / 1'000'000);
}

Result<Done> make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return system_error(error.value(), "cannot make folder", path);
  return Done{};
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    entries.push_back(entry->path());
  }
  return entries;
}

std::size_t remove_all_in(const fs::path& folder) {
  const std::vector<fs::path> entries = entries_of(folder);
  std::error_code ignored;
  for (const fs::path& entry : entries) fs::remove_all(entry, ignored);
  return entries.size();
}

std::string disk_text(const DiskId& id) {
  return "format " + std::to_string(format_version) + "\ndisk " + to_text(id) + "\n";
}

}  // namespace

// Of a node that was killed a child may have the lock a little longer, until it becomes its tool.
Result<FileHandle> lock_folder(const fs::path& folder) {
  constexpr auto step = std::chrono::milliseconds(20);
  constexpr int steps_max = 100;
  Result<FileHandle> file = FileHandle::open(folder / "lock", O_RDWR | O_CREAT);
  if (!file) return file;
  for (int steps = 0; steps < steps_max; ++steps) {
    if (::flock(file->descriptor(), LOCK_EX | LOCK_NB) == 0) return file;
    if (errno != EWOULDBLOCK) return system_error(errno, "cannot lock", folder);
    std::this_thread::sleep_for(step);
  }
  return Error{ErrorCode::denied, "the folder " + folder.string() +
                                      " is in use by another pixmesh process; stop that one "
                                      "first or name another folder"};
}

Result<std::unique_ptr<DiskFolder>> DiskFolder::open(const fs::path& root, SyncFile sync) {
  std::unique_ptr<DiskFolder> folder(new DiskFolder(root, std::move(sync)));
  // So that no name in the trash is used again after a start.
  folder->last_number_ = wall_now().microseconds;
  for (const char* name : {"", "blobs", "records", "tmp", "scratch", "trash", "index"}) {
    Result<Done> made = make_folder(root / name);
    if (!made) return made.error();
  }
  Result<Done> locked = folder->take_lock();
  if (!locked) return locked.error();
  Result<Done> known = folder->read_or_make_id();
  if (!known) return known.error();
  return folder;
}

Result<Done> DiskFolder::take_lock() {
  Result<FileHandle> lock = lock_folder(root_);
  if (!lock) return lock.error();
  lock_ = std::move(lock).value();
  return Done{};
}

Result<Done> DiskFolder::read_or_make_id() {
  const fs::path path = root_ / "pixmesh.disk";
  const Result<Bytes> text = read_whole(path, 4096);
  if (!text && text.error().code == ErrorCode::not_found) return make_id(path);
  if (!text) return text.error();
  const std::string_view words = text_of(text.value());
  const std::size_t place = words.find("\ndisk ");
  if (place == std::string_view::npos || !parse_id(words.substr(place + 6, 32), id_) ||
      words != disk_text(id_)) {
    return Error{ErrorCode::malformed, path.string() + " is not of format " +
                                           std::to_string(format_version) +
                                           "; use the pixmesh that wrote it"};
  }
  return Done{};
}

Result<Done> DiskFolder::make_id(const fs::path& path) {
  is_new_ = true;
  if (::getrandom(id_.raw.data(), id_.raw.size(), 0) != static_cast<ssize_t>(id_.raw.size())) {
    return system_error(errno, "cannot draw an id for", path);
  }
  const fs::path temp = root_ / "tmp" / "pixmesh.disk";
  Result<FileHandle> file = FileHandle::open(temp, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return file.error();
  Result<Done> done = write_at(file.value(), bytes_of(disk_text(id_)), 0, temp);
  if (done) done = this->sync(file.value(), temp);
  if (!done) return done;
  if (::rename(temp.c_str(), path.c_str()) != 0) return system_error(errno, "cannot make", path);
  // The folder itself may be new too; whoever may not read its parent made it beforehand.
  const Result<Done> parent = sync_folder(fs::absolute(root_).parent_path());
  if (!parent && has_failed()) return parent;
  return sync_folder(root_);
}

Result<fs::path> DiskFolder::absolute(std::string_view relative) const {
  const fs::path path(relative);
  const bool climbs = std::any_of(path.begin(), path.end(), [](const fs::path& part) {
    return part.empty() || part == "." || part == "..";
  });
  if (path.empty() || path.is_absolute() || climbs ||
      relative.find('\0') != std::string_view::npos) {
    return Error{ErrorCode::usage, "not a path below the disk's folder: " + std::string(relative)};
  }
  return root_ / path;
}

fs::path DiskFolder::temp_path(TempId temp) const {
  return root_ / "tmp" / ("t" + std::to_string(temp.raw));
}

Result<Done> DiskFolder::sync(const FileHandle& file, const fs::path& path) const {
  if (sync_(file.descriptor()) == 0) return Done{};
  Error error = system_error(errno, "cannot sync", path);
  // For want of space this file alone is lost, and nobody is told that it is there.
  if (error.code != ErrorCode::no_space) mark_failed(error);
  return error;
}

void DiskFolder::mark_failed(const Error& reason) const {
  if (!failed_.exchange(true) && told_of_failure_) told_of_failure_(reason);
}

Result<Done> DiskFolder::sync_folder(const fs::path& folder) const {
  Result<FileHandle> handle = FileHandle::open(folder, O_RDONLY | O_DIRECTORY);
  if (!handle) return handle.error();
  return this->sync(handle.value(), folder);
}

DiskFolder::Space DiskFolder::space() const {
  struct statvfs facts {};
  if (::statvfs(root_.c_str(), &facts) != 0) return {};
  Space space{facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize};
  space.full = !has_room_for(refused_bytes_, space);
  return space;
}

bool DiskFolder::has_room_for(std::uint64_t bytes, const Space& space) {
  const std::uint64_t kept = space.total_bytes / kept_free_one_in;
  const bool is_known = space.total_bytes > 0;
  return !is_known || (space.free_bytes >= kept && space.free_bytes - kept >= bytes);
}

Result<Done> DiskFolder::check_room_for(std::uint64_t bytes) const {
  const Space left = space();
  if (has_room_for(bytes, left)) {
    refused_bytes_ = 0;
    return Done{};
  }
  refused_bytes_ = bytes;
  return Error{ErrorCode::no_space, root_.string() + ": of " + std::to_string(left.total_bytes) +
                                        " bytes " + std::to_string(left.free_bytes) +
                                        " are free, and the last twentieth is for no image"};
}

Result<Done> DiskFolder::make_folders_of(std::string_view relative) {
  const Result<fs::path> path = absolute(relative);
  if (!path) return path.error();
  std::vector<fs::path> missing;
  std::error_code unknown;
  for (fs::path folder = path->parent_path(); !fs::exists(folder, unknown);
       folder = folder.parent_path()) {
    missing.push_back(folder);
  }
  for (auto folder = missing.rbegin(); folder != missing.rend(); ++folder) {
    Result<Done> made = make_folder(*folder);
    if (!made) return made;
    unsynced_.insert(folder->parent_path());
  }
  return Done{};
}

Result<Done> DiskFolder::publish(const fs::path& temp, std::string_view relative) {
  const Result<fs::path> path = absolute(relative);
  if (!path) return path.error();
  Result<Done> made = make_folders_of(relative);
  if (!made) return made;
  if (::rename(temp.c_str(), path->c_str()) != 0) {
    return system_error(errno, "cannot rename " + temp.string() + " to", path.value());
  }
  return Done{};
}

Result<FramedTemp> DiskFolder::start_framed_temp(ByteView payload) {
  FramedTemp temp;
  temp.path = root_ / "tmp" / ("w" + std::to_string(++last_number_));
  Result<FileHandle> file = FileHandle::open(temp.path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file) return file.error();
  temp.file = std::move(file).value();
  const Result<Done> written = write_at(temp.file, framed(payload), 0, temp.path);
  if (!written) {
    ::unlink(temp.path.c_str());
    return written.error();
  }
  ::sync_file_range(temp.file.descriptor(), 0, 0, SYNC_FILE_RANGE_WRITE);
  return temp;
}

Result<fs::path> DiskFolder::write_framed_temp(ByteView payload) {
  Result<FramedTemp> temp = start_framed_temp(payload);
  if (!temp) return temp.error();
  const Result<Done> done = this->sync(temp->file, temp->path);
  if (done) return temp->path;
  ::unlink(temp->path.c_str());
  return done.error();
}

Result<Done> DiskFolder::sync_folders(const std::vector<std::string>& relatives,
                                      std::set<fs::path>& synced) {
  for (; !unsynced_.empty(); unsynced_.erase(unsynced_.begin())) {
    Result<Done> done = sync_folder(*unsynced_.begin());
    if (!done) return done;
  }
  for (const std::string& relative : relatives) {
    const Result<fs::path> path = absolute(relative);
    if (!path) return path.error();
    const fs::path folder = path->parent_path();
    if (synced.contains(folder)) continue;
    Result<Done> done = sync_folder(folder);
    if (!done) return done;
    synced.insert(folder);
  }
  return Done{};
}

Result<Done> DiskFolder::remove(std::string_view relative) {
  const Result<fs::path> path = absolute(relative);
  if (!path) return path.error();
  if (::unlink(path->c_str()) == 0 || errno == ENOENT) return Done{};
  return system_error(errno, "cannot remove", path.value());
}

Result<Done> DiskFolder::move_to_trash(std::string_view relative) {
  const Result<fs::path> path = absolute(relative);
  if (!path) return path.error();
  std::string name(relative);
  std::replace(name.begin(), name.end(), '/', '_');
  const fs::path target =
      root_ / "trash" /
      (std::to_string(unix_seconds()) + "-" + std::to_string(++last_number_) + "-" + name);
  if (::rename(path->c_str(), target.c_str()) == 0 || errno == ENOENT) return Done{};
  return system_error(errno, "cannot move to the trash", path.value());
}

std::size_t DiskFolder::empty_trash(Duration age) {
  const std::int64_t limit =
      unix_seconds() - std::chrono::duration_cast<std::chrono::seconds>(age).count();
  std::size_t removed = 0;
  for (const fs::path& entry : entries_of(root_ / "trash")) {
    const std::string name = entry.filename().string();
    std::int64_t moved = 0;
    std::from_chars(name.data(), name.data() + name.size(), moved);
    if (moved > limit) continue;
    std::error_code ignored;
    fs::remove_all(entry, ignored);
    ++removed;
  }
  return removed;
}

std::size_t DiskFolder::empty_tmp() {
  remove_all_in(root_ / "scratch");
  return remove_all_in(root_ / "tmp");
}

std::string record_file_path(PartitionId partition, const NameDigest& name_digest) {
  const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(partition.raw >> 8),
                                          static_cast<std::uint8_t>(partition.raw)};
  return "records/" + hex_of(bytes) + "/" + to_text(name_digest) + std::string(record_extension);
}

std::optional<PartitionId> parse_partition_folder(std::string_view name) {
  std::array<std::uint8_t, 2> bytes{};
  if (!parse_hex(name, bytes)) return std::nullopt;
  return PartitionId{static_cast<std::uint32_t>(bytes[0] << 8 | bytes[1])};
}

std::optional<NameDigest> parse_record_file(std::string_view name) {
  NameDigest digest;
  if (!name.ends_with(record_extension)) return std::nullopt;
  name.remove_suffix(record_extension.size());
  if (!parse_id(name, digest)) return std::nullopt;
  return digest;
}

std::optional<PartitionId> partition_of_path(std::string_view relative) {
  constexpr std::string_view folder = "records/";
  if (!relative.starts_with(folder) || relative.size() < folder.size() + 5) return std::nullopt;
  return parse_partition_folder(relative.substr(folder.size(), 4));
}

}  // namespace pixmesh
