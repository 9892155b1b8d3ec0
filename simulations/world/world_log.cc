#include "simulations/world/world_log.h"

namespace pixmesh {

void WorldLog::event(LogLevel, std::string_view name, std::initializer_list<LogField> fields) {
  std::string text;
  for (const LogField& field : fields) {
    text += (text.empty() ? "" : " ") + std::string(field.key) + "=" + field.value;
  }
  told_(name, std::move(text));
}

WorldBackground::WorldBackground(VirtualClock& clock, Done done)
    : clock_(clock), done_(std::make_shared<Done>(std::move(done))) {}

void WorldBackground::run(OperationId ticket, std::function<void()> job) {
  job();
  clock_.after(takes, [done = std::weak_ptr<Done>(done_), ticket] {
    if (const auto still = done.lock()) (*still)(ticket);
  });
}

}  // namespace pixmesh
