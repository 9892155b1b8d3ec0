#include "host/tools/tool_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "host/system/file_handle.h"
#include "processing/recipe.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view folder_prefix = "run-";

fs::path folder_of(const fs::path& scratch, RunId run) {
  return scratch / (std::string(folder_prefix) + std::to_string(run.raw));
}

fs::path native_output_of(const fs::path& scratch, RunId run) {
  return scratch / (std::string(folder_prefix) + std::to_string(run.raw) + ".out");
}

bool is_stored_path(const fs::path& path) {
  return path.is_relative() && !path.empty() &&
         std::ranges::none_of(path, [](const fs::path& part) { return part == ".."; });
}

Result<Done> link_input(const fs::path& stored, const fs::path& input) {
  if (link(stored.c_str(), input.c_str()) == 0) return Done{};
  const int error = errno;
  std::error_code missing;
  if (!fs::is_regular_file(stored, missing)) return system_error(ENOENT, "input", stored);
  const bool elsewhere = error == EXDEV || error == EPERM || error == EMLINK;
  if (elsewhere && symlink(stored.c_str(), input.c_str()) == 0) return Done{};
  return system_error(elsewhere ? errno : error, "link", input);
}

Result<Done> check_names(const ToolRun& tool) {
  if (!is_extension(tool.input_extension) || !is_extension(tool.output_extension)) {
    return Error{ErrorCode::malformed, "a file extension is one to eight letters or digits"};
  }
  if (is_stored_path(tool.input_path)) return Done{};
  return Error{ErrorCode::malformed, "the input is not a path inside the disk's folder"};
}

}  // namespace

Result<ToolFolder> make_tool_folder(const fs::path& scratch, const fs::path& disk,
                                    const ToolRun& tool) {
  if (const Result<Done> sound = check_names(tool); !sound) return sound.error();
  ToolFolder made;
  made.folder = folder_of(scratch, tool.run);
  made.input = made.folder / ("in." + tool.input_extension);
  made.output = made.folder / ("out." + tool.output_extension);
  if (mkdir(made.folder.c_str(), 0700) != 0) return system_error(errno, "mkdir", made.folder);
  const Result<Done> linked = link_input(fs::absolute(disk) / tool.input_path, made.input);
  if (linked) return made;
  remove_tool_folder(scratch, tool.run);
  return linked.error();
}

Result<NativeFiles> native_files_of(const fs::path& scratch, const fs::path& disk,
                                    const ToolRun& tool) {
  if (const Result<Done> sound = check_names(tool); !sound) return sound.error();
  return NativeFiles{fs::absolute(disk) / tool.input_path, native_output_of(scratch, tool.run)};
}

void remove_tool_folder(const fs::path& scratch, RunId run) {
  std::error_code ignored;  // what cannot be removed now goes at the next start
  if (fs::remove(native_output_of(scratch, run), ignored)) return;
  fs::remove_all(folder_of(scratch, run), ignored);
}

void clear_tool_folders(const fs::path& scratch) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(scratch, ignored)) {
    const std::string name = entry.path().filename();
    std::error_code busy;
    if (name.starts_with(folder_prefix)) fs::remove_all(entry.path(), busy);
  }
}

std::optional<std::uint64_t> output_size_of(const fs::path& output) {
  struct stat facts {};
  if (lstat(output.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(facts.st_size);
}

bool is_safe_tool_path(const fs::path& path) {
  const std::string text = path;
  return path.is_absolute() && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("/._+-@ ").find(c) != std::string_view::npos ||
                  static_cast<unsigned char>(c) > 127;
         });
}

}  // namespace pixmesh
