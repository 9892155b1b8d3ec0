#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/result.h"
#include "host/tools/memory_groups.h"
#include "host/tools/process_group.h"
#include "host/tools/sandbox.h"
#include "host/tools/tool_folder.h"

namespace pixmesh {

/// What all tools of a node have in common.
struct ToolPlace {
  std::string tool_path;                // where programs are looked for
  std::string launcher;                 // the path of pixmesh-launch
  std::filesystem::path magick_policy;  // the folder of ImageMagick's policy.xml
  std::optional<Sandbox> sandbox;       // none: tools run without one
  // None: only each process has a bound for its memory.
  std::optional<MemoryGroups> memory_groups{};
};

/// What one run has besides that.
struct ToolExtras {
  std::vector<SandboxBind> readable;
  std::vector<std::string> environment;
  bool terminal = false;  // as in SandboxView
};

/// A control group for all processes of a program with these limits; none where there are no such
/// groups, or no more just now.
[[nodiscard]] std::optional<MemoryGroup> memory_group_of(ToolPlace& place,
                                                         const ToolLimits& limits);

/// The absolute path of a run's program. Errors: failed — not installed, or out of a sandbox's
/// sight.
[[nodiscard]] Result<std::string> program_of(const ToolPlace& place, const ToolRun& tool);

/// How to start the tool in its folder; the caller adds the descriptors.
///
/// Without a sandbox the tool works in the folder itself. In one it finds its input, alone and
/// read-only, as /job/in.<ext> and its output as /job/out.<ext>: an empty file, made here, that
/// it has to write to and cannot replace. So RLIMIT_FSIZE of the run's limits bounds all that it
/// can write anywhere but in its own /tmp. Errors: failed, no_space.
[[nodiscard]] Result<ProcessStart> start_of(const ToolPlace& place, const ToolRun& tool,
                                            const std::string& program, const ToolFolder& folder,
                                            const ToolExtras& extras = {});

}  // namespace pixmesh
