#include "cli/map_report.h"

#include <set>

#include "cli/errors.h"

namespace pixmesh {

Json json_of(const MapLine& line, const std::string& recipe) {
  Json object = json_of(line);
  object["recipe"] = recipe;
  return object;
}

std::string failure_text(const MapLine& line) {
  return printable(line.name) + ": " + line.error + ": " +
         line.detail.substr(0, line.detail.find('\n')) + " (request " + line.request + ")";
}

int exit_code_of(const std::map<std::string, MapLine>& lines) {
  std::set<int> codes;
  for (const auto& [name, line] : lines) {
    if (!line.done) codes.insert(line.exit);
  }
  const int tool_failed = exit_code_of(ErrorCode::tool_failed);
  if (codes.empty()) return exit_ok;
  if (codes.contains(tool_failed)) return tool_failed;
  return codes.size() == 1 ? *codes.begin() : exit_code_of(ErrorCode::failed);
}

std::string summary_of(const MapCounts& counts, Duration took) {
  std::string text = std::to_string(counts.total) + (counts.total == 1 ? " image: " : " images: ") +
                     std::to_string(counts.done) + " done, " + std::to_string(counts.failed) +
                     " failed";
  const std::uint64_t left = counts.total - counts.done - counts.failed;
  if (left > 0) text += ", " + std::to_string(left) + " left";
  return text + " in " + span_at_a_glance(took);
}

}  // namespace pixmesh
