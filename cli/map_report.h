#pragma once

#include <map>
#include <string>

#include "base/time.h"
#include "cli/map_journal.h"
#include "cli/map_pace.h"
#include "cli/output.h"

// What a map tells people and programs.
namespace pixmesh {

/// One image, as `--json` has it.
[[nodiscard]] Json json_of(const MapLine& line, const std::string& recipe);

/// "holiday/a.jpg: tool_failed: the tool ended with status 1 (request 3f…)"
[[nodiscard]] std::string failure_text(const MapLine& line);

/// 0 if nothing failed, 10 if any tool did, else the code that all failures share, else 1.
[[nodiscard]] int exit_code_of(const std::map<std::string, MapLine>& lines);

/// "200 images: 197 done, 3 failed in 22s"
[[nodiscard]] std::string summary_of(const MapCounts& counts, Duration took);

}  // namespace pixmesh
