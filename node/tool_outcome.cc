#include "node/tool_outcome.h"

namespace pixmesh {

ErrorCode error_code_of(ToolEnd end) {
  switch (end) {
    case ToolEnd::finished:
      return {};
    case ToolEnd::not_started:
      return ErrorCode::overloaded;  // another holder may have it
    case ToolEnd::cancelled:
      return ErrorCode::timed_out;
    case ToolEnd::exit_status:
    case ToolEnd::killed:
    case ToolEnd::wall_limit:
    case ToolEnd::cpu_limit:
    case ToolEnd::memory_limit:
    case ToolEnd::output_limit:
    case ToolEnd::no_output:
      return ErrorCode::tool_failed;
  }
  return ErrorCode::failed;
}

std::string error_text_of(const ToolReport& report) {
  const std::string stderr_part = report.error_text.empty() ? "" : "\n" + report.error_text;
  switch (report.end) {
    case ToolEnd::finished:
      return {};
    case ToolEnd::exit_status:
      return "the tool ended with status " + std::to_string(report.exit_status) + stderr_part;
    case ToolEnd::killed:
      return "the tool was killed by signal " + std::to_string(report.exit_status) + stderr_part;
    case ToolEnd::wall_limit:
      return "the tool ran over its time limit" + stderr_part;
    case ToolEnd::cpu_limit:
      return "the tool used more CPU time than its limit" + stderr_part;
    case ToolEnd::memory_limit:
      return "the tool asked for more memory than its limit" + stderr_part;
    case ToolEnd::output_limit:
      return "the tool wrote more than its output limit" + stderr_part;
    case ToolEnd::no_output:
      return "the tool wrote no output" + stderr_part;
    case ToolEnd::not_started:
      return "the tool could not be started" + stderr_part;
    case ToolEnd::cancelled:
      return "the run was cancelled";
  }
  return {};
}

}  // namespace pixmesh
