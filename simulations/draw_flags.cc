#include "simulations/draw_flags.h"

#include <sstream>

namespace pixmesh {
Duration of_minutes(double minutes) {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double, std::ratio<60>>(minutes));
}

void DrawFlags::add_to(Command command, const std::string& minutes_flag) {
  command.add_option("--nodes", nodes_, "How many nodes found the mesh").within(1, 200);
  command.add_option(minutes_flag, minutes_, "Simulated minutes with faults")
      .within(0.01, 100'000.0);
  command.add_option(
      "--faults", faults_,
      "Classes that may be drawn, as in network,crash,pause,clock,disk,loss,tool,rot,"
      "client,membership,motion,repeat,restore,state,rare,bay,beyond; 'none', 'all'. Without it "
      "all, but beyond in one scenario of 25");
}

Result<DrawWishes> DrawFlags::wishes() const {
  DrawWishes wishes;
  if (nodes_ > 0) wishes.nodes = nodes_;
  if (minutes_ > 0) {
    wishes.safety = of_minutes(minutes_);
  }
  if (faults_.empty()) return wishes;
  wishes.faults = FaultChoice{};  // what is asked for is drawn in each scenario
  wishes.faults.allowed.fill(faults_ == "all");
  if (faults_ == "all" || faults_ == "none") return wishes;
  std::istringstream words(faults_);
  for (std::string word; std::getline(words, word, ',');) {
    const auto one = parse_fault_class(word);
    if (!one) return Error{ErrorCode::usage, "'" + word + "' is no class of faults"};
    wishes.faults.allowed[static_cast<std::size_t>(*one)] = true;
  }
  return wishes;
}

std::string DrawFlags::text() const {
  std::ostringstream text;
  if (nodes_ > 0) text << " --nodes " << nodes_;
  if (minutes_ > 0) text << " --minutes " << minutes_;
  if (!faults_.empty()) text << " --faults " << faults_;
  return text.str();
}

}  // namespace pixmesh
