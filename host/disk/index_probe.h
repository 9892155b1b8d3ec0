#pragma once

#include <cstddef>
#include <filesystem>

namespace pixmesh {

/// Whether the LMDB file in `folder` can be read from end to end. LMDB has no checksums: a spoilt
/// page sends it beyond the end of its file (SIGBUS), or meets an assertion of its own, and either
/// ends the process. So another process tries it first: every key and value of every table, the
/// order of the keys, and the list of free pages.
///
/// A flipped bit inside a value is not seen. True as well if there is no file, or no process to be
/// had. Cost: one pass over the file, 50 ms for 100,000 records; the caller must be able to fork.
[[nodiscard]] bool can_be_walked(const std::filesystem::path& folder, std::size_t map_bytes);

}  // namespace pixmesh
