#include "simulations/scenario/scenario.h"

#include <sstream>

namespace pixmesh {
namespace {

Error wrong_line(std::size_t number, const std::string& line) {
  return {ErrorCode::malformed, "line " + std::to_string(number) + ": '" + line + "'"};
}

// A line of the head; false if it is none.
bool read_setting(const std::string& line, Scenario& scenario) {
  std::istringstream words(line);
  std::string key;
  words >> key;
  if (key == "seed") {
    words >> scenario.seed;
  } else if (key == "partition-bits") {
    words >> scenario.partition_bits;
  } else if (key == "replicas") {
    words >> scenario.replicas;
  } else if (key == "write-quorum") {
    words >> scenario.write_quorum;
  } else if (key == "clients") {
    words >> scenario.clients;
  } else if (key == "safety-ms") {
    std::int64_t milliseconds = 0;
    words >> milliseconds;
    scenario.safety = std::chrono::milliseconds(milliseconds);
  } else if (key == "out-ms") {
    std::int64_t milliseconds = 0;
    words >> milliseconds;
    scenario.out_delay = std::chrono::milliseconds(milliseconds);
  } else if (key == "node") {
    PlannedNode node;
    std::string zone;
    std::string weight;
    words >> zone >> node.zone >> weight >> node.weight;
    if (zone != "zone" || weight != "weight" || words.fail()) return false;
    if (std::string disks; words >> disks && (disks != "disks" || !(words >> node.disks))) {
      return false;
    }
    scenario.nodes.push_back(node);
    return node.disks >= 1 && node.disks <= disks_max;
  } else {
    return false;
  }
  return !words.fail();
}

}  // namespace

std::string text_of(const Scenario& scenario) {
  std::ostringstream text;
  text << "seed " << scenario.seed << "\npartition-bits " << scenario.partition_bits
       << "\nreplicas " << scenario.replicas << "\nwrite-quorum " << scenario.write_quorum
       << "\nclients " << scenario.clients << "\nsafety-ms " << scenario.safety / 1ms << "\n";
  if (scenario.out_delay) text << "out-ms " << *scenario.out_delay / 1ms << "\n";
  for (const PlannedNode& node : scenario.nodes) {
    text << "node zone " << node.zone << " weight " << node.weight;
    if (node.disks > 1) text << " disks " << node.disks;
    text << "\n";
  }
  for (const Event& event : scenario.events) text << text_of(event) << "\n";
  return text.str();
}

Result<Scenario> parse_scenario(std::string_view text) {
  Scenario scenario;
  std::istringstream lines{std::string(text)};
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    if (read_setting(line, scenario)) continue;
    auto event = parse_event(line);
    if (!event) return wrong_line(number, line);
    scenario.events.push_back(std::move(*event));
  }
  if (scenario.nodes.empty()) return Error{ErrorCode::malformed, "there is no line 'node …'"};
  return scenario;
}

}  // namespace pixmesh
