#include "simulations/trial_report.h"

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/digest.h"
#include "simulations/world/message_text.h"

namespace pixmesh {
namespace {

std::string hex(std::uint64_t value) {
  CanonicalBytes bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.u8(static_cast<std::uint8_t>(value >> shift));
  return hex_of(bytes.bytes());
}

std::string faults_of(const Scenario& scenario) {
  std::map<std::string_view, std::size_t> counts;
  for (const Event& event : scenario.events) {
    if (!is_operation(event) || form_of(event.kind).fault == FaultClass::client ||
        form_of(event.kind).fault == FaultClass::repeat) {
      ++counts[word_of(form_of(event.kind).fault)];
    }
  }
  std::string text;
  for (const auto& [word, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::string(word) + " " + std::to_string(count);
  }
  return text.empty() ? "none" : text;
}

std::size_t operations_of(const Scenario& scenario) {
  std::size_t count = 0;
  for (const Event& event : scenario.events) count += is_operation(event) ? 1 : 0;
  return count;
}

}  // namespace

std::string report_of(const Scenario& scenario, const TrialResult& result,
                      const std::string& repeat) {
  std::ostringstream text;
  text << "seed " << scenario.seed << ": " << scenario.nodes.size() << " nodes, "
       << (1U << scenario.partition_bits) << " partitions, " << scenario.safety / 1s
       << " s with faults (" << faults_of(scenario) << "), " << operations_of(scenario)
       << " operations\n";
  text << "digest " << hex(result.digest) << " over " << result.events << " events, "
       << text_of_instant(Instant(result.simulated)) << " s, " << result.acknowledged
       << " acknowledged writes\n";
  if (!result.finding) {
    text << "every promise was kept\n";
    return text.str();
  }
  const Finding& finding = *result.finding;
  for (const std::string& line : result.last_events) text << "  " << line << "\n";
  text << "BROKEN " << finding.promise << " at " << text_of_instant(finding.at) << " s, in phase '"
       << result.phase << "': " << finding.what << "\nrepeat with: " << repeat << "\n";
  return text.str();
}

std::string json_of(const Scenario& scenario, const TrialResult& result,
                    const std::string& repeat) {
  nlohmann::json object{{"seed", scenario.seed},
                        {"nodes", scenario.nodes.size()},
                        {"partitions", 1U << scenario.partition_bits},
                        {"digest", hex(result.digest)},
                        {"events", result.events},
                        {"simulated_s", result.simulated / 1s},
                        {"acknowledged", result.acknowledged},
                        {"phase", result.phase},
                        {"ok", !result.finding.has_value()}};
  if (result.finding) {
    object["promise"] = result.finding->promise;
    object["what"] = result.finding->what;
    object["last_events"] = result.last_events;
    object["repeat"] = repeat;
  }
  return object.dump(2) + "\n";
}

}  // namespace pixmesh
