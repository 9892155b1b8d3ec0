#include "host/disk/temp_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "host/disk/media_facts.h"

namespace pixmesh {

Result<Done> TempFiles::create(const CreateTemp& asked) {
  if (temps_.contains(asked.temp)) {
    return Error{ErrorCode::failed, "temp " + std::to_string(asked.temp.raw) + " exists"};
  }
  const Result<Done> room = folder_.check_room_for(asked.expected);
  if (!room) return room;
  Temp temp;
  temp.path = folder_.temp_path(asked.temp);
  Result<FileHandle> file = FileHandle::open(temp.path, O_RDWR | O_CREAT | O_EXCL);
  if (!file) return file.error();
  temp.file = std::move(file).value();
  const Result<Done> reserved = reserve(temp, asked.expected);
  if (!reserved) {
    ::unlink(temp.path.c_str());
    return reserved;
  }
  if (asked.hash) temp.hasher.emplace();
  temps_.emplace(asked.temp, std::move(temp));
  return Done{};
}

// The file's size stays what was written: a reservation is not to be read. A file system that
// reserves nothing is fine, the writes will say.
Result<Done> TempFiles::reserve(Temp& temp, std::uint64_t bytes) {
  if (bytes == 0) return Done{};
  const auto length = static_cast<off_t>(bytes);
  if (::fallocate(temp.file.descriptor(), FALLOC_FL_KEEP_SIZE, 0, length) == 0) {
    temp.reserved = bytes;
  } else if (errno == ENOSPC || errno == EDQUOT) {
    return system_error(errno, "cannot reserve " + std::to_string(bytes) + " bytes for", temp.path);
  }
  return Done{};
}

Result<TempFiles::Temp*> TempFiles::find(TempId temp) {
  const auto found = temps_.find(temp);
  if (found == temps_.end()) {
    return Error{ErrorCode::not_found, "there is no temp " + std::to_string(temp.raw)};
  }
  if (found->second.error) return *found->second.error;
  return &found->second;
}

Result<Done> TempFiles::append(TempId id, ByteView bytes) {
  const Result<Temp*> found = find(id);
  if (!found) return found.error();
  Temp& temp = *found.value();
  if (temp.synced) return Error{ErrorCode::failed, temp.path.string() + " is already synced"};
  Result<Done> written = write_at(temp.file, bytes, temp.size, temp.path);
  if (!written) {
    temp.error = written.error();
    return written;
  }
  // Only a head start: whether the bytes arrived is what fsync says.
  ::sync_file_range(temp.file.descriptor(), static_cast<off_t>(temp.size),
                    static_cast<off_t>(bytes.size()), SYNC_FILE_RANGE_WRITE);
  temp.size += bytes.size();
  if (temp.hasher) temp.hasher->update(bytes);
  return Done{};
}

Result<Synced> TempFiles::sync(TempId id) {
  const Result<Temp*> found = find(id);
  if (!found) return found.error();
  Temp& temp = *found.value();
  if (temp.synced) return *temp.synced;
  Result<Synced> synced = finish(temp);
  if (synced) {
    temp.synced = synced.value();
  } else {
    temp.error = synced.error();
  }
  return synced;
}

Result<Synced> TempFiles::finish(Temp& temp) const {
  if (temp.reserved > temp.size) {  // gives back what never came
    (void)::ftruncate(temp.file.descriptor(), static_cast<off_t>(temp.size));
  }
  const Result<Done> done = folder_.sync(temp.file, temp.path);
  if (!done) return done.error();
  Synced synced;
  synced.size = temp.size;
  if (temp.hasher) synced.digest = temp.hasher->finish();
  synced.media = media_facts_of(temp.file, temp.size);
  temp.file = FileHandle();
  return synced;
}

Result<Done> TempFiles::drop(TempId id) {
  const auto found = temps_.find(id);
  if (found == temps_.end()) return Done{};
  ::unlink(found->second.path.c_str());
  temps_.erase(found);
  return Done{};
}

Result<std::filesystem::path> TempFiles::hand_over(TempId id) {
  const Result<Temp*> found = find(id);
  if (!found) return found.error();
  if (!found.value()->synced) {
    return Error{ErrorCode::failed, found.value()->path.string() + " is not synced yet"};
  }
  std::filesystem::path path = found.value()->path;
  temps_.erase(id);
  return path;
}

}  // namespace pixmesh
