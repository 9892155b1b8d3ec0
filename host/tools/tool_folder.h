#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/executor.h"
#include "base/result.h"

namespace pixmesh {

/// Where one run works: `<scratch>/run-<id>` with `in.<ext>`, `out.<ext>` and whatever the tool
/// leaves behind. Only its user may enter.
struct ToolFolder {
  std::filesystem::path folder;
  std::filesystem::path input;   // a hard link to the stored file, so that its bytes stay while it
                                 // runs; a symbolic link when the disk is another device
  std::filesystem::path output;  // not there yet
};

/// Makes it. Errors: not_found (no such stored file), malformed (an extension or input path that is
/// none), no_space, failed. Nothing is left behind on an error.
[[nodiscard]] Result<ToolFolder> make_tool_folder(const std::filesystem::path& scratch,
                                                  const std::filesystem::path& disk,
                                                  const ToolRun& tool);

/// What a native worker is given open instead of a folder, which would take most of the time of a
/// small job: the stored file itself, and `<scratch>/run-<id>.out`, which is not there yet.
struct NativeFiles {
  std::filesystem::path input;
  std::filesystem::path output;
};
/// Errors: malformed, as above.
[[nodiscard]] Result<NativeFiles> native_files_of(const std::filesystem::path& scratch,
                                                  const std::filesystem::path& disk,
                                                  const ToolRun& tool);

/// Removes what the run has made, the folder or the file; no error if it is not there.
void remove_tool_folder(const std::filesystem::path& scratch, RunId run);

/// Removes every run's folder that an earlier process left.
void clear_tool_folders(const std::filesystem::path& scratch);

/// The output's size; none if there is no regular file (a link is none: it could lead anywhere).
[[nodiscard]] std::optional<std::uint64_t> output_size_of(const std::filesystem::path& output);

/// Whether tools can be given such a path. Image tools read `%`, `[`, `:` and more inside a file's
/// name as commands, so only letters, digits, `/ . _ + - @`, blanks and bytes above 127 pass.
[[nodiscard]] bool is_safe_tool_path(const std::filesystem::path& path);

}  // namespace pixmesh
