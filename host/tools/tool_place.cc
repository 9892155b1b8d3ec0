#include "host/tools/tool_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "host/system/program_path.h"
#include "host/tools/launch_command.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr const char* policy_inside = "/etc/pixmesh";

/// The paths that a tool is told.
struct ToldPaths {
  std::string input;
  std::string output;
  std::string home;
  std::string policy;
};

ToldPaths paths_of(const ToolPlace& place, const ToolRun& tool, const ToolFolder& folder) {
  if (!place.sandbox) {
    return {folder.input, folder.output, folder.folder, place.magick_policy};
  }
  return {"/job/in." + tool.input_extension, "/job/out." + tool.output_extension, "/tmp",
          policy_inside};
}

/// `{in}` and `{out}` become paths; nothing that was put in is looked at again.
std::string with_paths(std::string_view argument, const ToldPaths& paths) {
  std::string text;
  while (!argument.empty()) {
    const bool input = argument.starts_with("{in}");
    const bool output = argument.starts_with("{out}");
    if (input) text += paths.input;
    if (output) text += paths.output;
    if (!input && !output) text += argument.front();
    argument.remove_prefix(input ? 4 : output ? 5 : 1);
  }
  return text;
}

std::vector<std::string> environment_of(const ToolPlace& place, const ToolRun& tool,
                                        const ToldPaths& paths) {
  std::vector<std::string> environment{"PATH=" + place.tool_path,
                                       "HOME=" + paths.home,
                                       "TMPDIR=" + paths.home,
                                       "LANG=C.UTF-8",
                                       "VIPS_CONCURRENCY=1",
                                       "VIPS_BLOCK_UNTRUSTED=1",
                                       "MAGICK_CONFIGURE_PATH=" + paths.policy,
                                       "MAGICK_THREAD_LIMIT=1",
                                       "OMP_NUM_THREADS=1"};
  // libvips looks for its plug-ins below its home. Loading them (poppler, ImageMagick, libheif …)
  // is a third of its start, and what is not loaded no hostile image reaches.
  if (!tool.vips_modules) environment.emplace_back("VIPSHOME=/nonexistent");
  if (!place.sandbox) return environment;
  // /tmp is memory there: pixels are to lie in the tool's own, which counts.
  const std::uint64_t memory = tool.limits.memory_bytes;
  // libvips reads the number as an int; with a unit it may mean more.
  environment.push_back("VIPS_DISC_THRESHOLD=" + std::to_string((memory >> 20) + 1) + "m");
  environment.push_back("MAGICK_MEMORY_LIMIT=" + std::to_string(memory - memory / 4));
  environment.emplace_back("MAGICK_MAP_LIMIT=0");
  environment.emplace_back("MAGICK_DISK_LIMIT=0");
  return environment;
}

Result<Done> make_output(const fs::path& path) {
  const Result<FileHandle> made = FileHandle::open(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!made) return made.error();
  // The folder around it is open to the node alone.
  if (fchmod(made->descriptor(), 0666) == 0) return Done{};
  return system_error(errno, "fchmod", path);
}

/// A tool of another user reads by the right of the node's group, or of everybody.
Result<Done> open_to_others(const fs::path& input) {
  struct stat facts {};
  if (stat(input.c_str(), &facts) != 0) return system_error(errno, "stat", input);
  const bool group = (facts.st_mode & S_IRGRP) != 0 && facts.st_gid == ::getegid();
  if (group || (facts.st_mode & S_IROTH) != 0) return Done{};
  const fs::path copy = input.string() + ".copy";
  std::error_code error;
  fs::copy_file(input, copy, error);
  if (!error) fs::permissions(copy, fs::perms(0644), error);
  if (!error) fs::rename(copy, input, error);
  return error ? Result<Done>(system_error(error.value(), "copy", input)) : Done{};
}

Result<SandboxView> view_of(const ToolPlace& place, const ToolRun& tool, const ToolFolder& folder,
                            const ToldPaths& paths) {
  SandboxView view;
  view.number = tool.run.raw;
  view.readable.push_back({place.magick_policy, policy_inside});
  if (!tool.input_on_stdin) {
    if (place.sandbox->changes_user()) {
      if (const Result<Done> open = open_to_others(folder.input); !open) return open.error();
    }
    view.readable.push_back({folder.input, paths.input});
  }
  if (!tool.output_on_stdout) {
    if (const Result<Done> made = make_output(folder.output); !made) return made.error();
    view.writable.push_back({folder.output, paths.output});
  }
  return view;
}

}  // namespace

std::optional<MemoryGroup> memory_group_of(ToolPlace& place, const ToolLimits& limits) {
  if (!place.memory_groups) return std::nullopt;
  auto made = place.memory_groups->take(limits.memory_bytes + SandboxView{}.temp_bytes);
  if (!made) return std::nullopt;
  return std::move(made).value();
}

Result<std::string> program_of(const ToolPlace& place, const ToolRun& tool) {
  const std::optional<std::string> program = find_program(tool.argv.front(), place.tool_path);
  if (!program) {
    return Error{ErrorCode::failed, "'" + tool.argv.front() + "' is not installed here"};
  }
  if (!place.sandbox) return *program;
  if (const Result<Done> seen = place.sandbox->shows(*program); !seen) return seen.error();
  return *program;
}

Result<ProcessStart> start_of(const ToolPlace& place, const ToolRun& tool,
                              const std::string& program, const ToolFolder& folder,
                              const ToolExtras& extras) {
  const ToldPaths paths = paths_of(place, tool, folder);
  std::vector<std::string> argv;
  for (const std::string& argument : tool.argv) argv.push_back(with_paths(argument, paths));
  ProcessStart how;
  how.environment = environment_of(place, tool, paths);
  how.environment.insert(how.environment.end(), extras.environment.begin(),
                         extras.environment.end());
  how.folder = folder.folder;
  how.limits = tool.limits;
  if (place.sandbox) {
    Result<SandboxView> view = view_of(place, tool, folder, paths);
    if (!view) return view.error();
    SandboxView shown = std::move(view).value();
    shown.readable.insert(shown.readable.end(), extras.readable.begin(), extras.readable.end());
    shown.terminal = extras.terminal;
    how.argv = place.sandbox->sandboxed(shown, program, argv);
  } else {
    how.argv = launch_command(place.launcher, {}, program, argv);
  }
  how.program = how.argv.front();
  return how;
}

}  // namespace pixmesh
