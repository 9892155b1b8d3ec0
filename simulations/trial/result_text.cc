#include "simulations/trial/result_text.h"

#include <sstream>

namespace pixmesh {
namespace {

constexpr std::string_view opening = "RESULT\n";
constexpr std::string_view closing = "END\n";

// One value a line, so a value has none.
std::string line_of(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text + "\n";
}

template <typename Number>
Number number_in(std::istringstream& lines) {
  Number number{};
  lines >> number;
  lines.ignore();
  return number;
}

std::string text_in(std::istringstream& lines) {
  std::string line;
  std::getline(lines, line);
  return line;
}

}  // namespace

std::string text_of(const TrialResult& result) {
  std::ostringstream text;
  text << opening << line_of(result.phase) << result.digest << "\n"
       << result.events << "\n"
       << result.acknowledged << "\n"
       << result.shortfalls << "\n"
       << result.simulated.count() << "\n"
       << result.node_microseconds << "\n"
       << (result.finding ? 1 : 0) << "\n";
  if (result.finding) {
    text << line_of(result.finding->promise) << line_of(result.finding->what)
         << result.finding->at.time_since_epoch().count() << "\n"
         << result.finding->nodes.size() << "\n";
    for (const std::uint32_t node : result.finding->nodes) text << node << "\n";
  }
  text << result.last_events.size() << "\n";
  for (const std::string& line : result.last_events) text << line_of(line);
  text << closing;
  return text.str();
}

Result<TrialResult> parse_result(std::string_view text) {
  const std::size_t begin = text.find(opening);
  const bool whole = begin != std::string_view::npos && text.size() >= closing.size() &&
                     text.substr(text.size() - closing.size()) == closing;
  if (!whole) return Error{ErrorCode::malformed, "no whole result"};
  std::istringstream lines{std::string(text.substr(begin + opening.size()))};
  TrialResult result;
  result.phase = text_in(lines);
  result.digest = number_in<std::uint64_t>(lines);
  result.events = number_in<std::uint64_t>(lines);
  result.acknowledged = number_in<std::uint64_t>(lines);
  result.shortfalls = number_in<std::uint64_t>(lines);
  result.simulated = Duration(number_in<std::int64_t>(lines));
  result.node_microseconds = number_in<std::uint64_t>(lines);
  if (number_in<int>(lines) != 0) {
    Finding finding;
    finding.promise = text_in(lines);
    finding.what = text_in(lines);
    finding.at = Instant(Duration(number_in<std::int64_t>(lines)));
    finding.nodes.resize(number_in<std::size_t>(lines));
    for (std::uint32_t& node : finding.nodes) node = number_in<std::uint32_t>(lines);
    result.finding = std::move(finding);
  }
  result.last_events.resize(number_in<std::size_t>(lines));
  for (std::string& line : result.last_events) line = text_in(lines);
  return result;
}

}  // namespace pixmesh
