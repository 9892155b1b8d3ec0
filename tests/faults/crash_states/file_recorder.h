#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace pixmesh::crash_test {

/// One change that a process asked its file system for. Files are numbered by their creation, so
/// that a renamed file stays itself; paths are relative to the recorded folder.
struct FileChange {
  enum class Kind : std::uint8_t {
    create,       // a new empty file `file` at `path`
    write,        // `bytes` of `file` at `offset`
    truncate,     // `file` to `offset` bytes
    rename,       // `path` to `target`
    unlink,       // a file at `path`
    make_folder,  // at `path`
    remove_folder,
    sync_file,    // all writes of `file` so far are durable
    sync_folder,  // all entries of the folder `path` so far are durable
    mark,         // `offset` is a number of the test's: something began or was acknowledged
  };
  Kind kind;
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::string path;
  std::string target;
  Bytes bytes;
  bool durable = false;  // a write through a descriptor opened with O_DSYNC
};

/// Records what this process does to the files below `folder` between `start` and `stop`.
///
/// The program that links this file has its own open, pwrite, rename, fsync …: they do what the
/// system's do and note it. So the code under test, and LMDB, run as they are. Thread-safe; changes
/// are noted in the order in which they happened.
void start_recording(const std::filesystem::path& folder);
void record_mark(std::uint64_t number);
[[nodiscard]] std::vector<FileChange> stop_recording();

}  // namespace pixmesh::crash_test
