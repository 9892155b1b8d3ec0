#pragma once

#include <string>

#include "base/executor.h"
#include "base/result.h"

// What the end of a tool means to its asker.
namespace pixmesh {

inline constexpr const char* damaged_input = "the stored bytes do not have their checksum";

/// ErrorCode{} for a tool that did its work.
[[nodiscard]] ErrorCode error_code_of(ToolEnd end);

/// Why there is no result, with what the tool wrote to stderr; empty for a tool that did its work.
[[nodiscard]] std::string error_text_of(const ToolReport& report);

}  // namespace pixmesh
