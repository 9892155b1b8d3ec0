#include "cli/node_tools.h"

#include <algorithm>
#include <thread>

#include "host/system/machine_memory.h"
#include "host/system/program_path.h"

namespace pixmesh {

std::uint32_t workers_of(const NodeSettings& settings) {
  return settings.workers > 0 ? settings.workers
                              : std::max(1U, std::thread::hardware_concurrency());
}

LanesOptions lanes_of(const NodeSettings& settings) {
  LanesOptions lanes;
  lanes.workers = workers_of(settings);
  lanes.queue_max = settings.queue_max;
  lanes.queue_time = settings.queue_time;
  lanes.memory_bytes = settings.memory > 0 ? settings.memory : machine_memory() / 2;
  return lanes;
}

Result<std::optional<Sandbox>> sandbox_of(const NodeSettings& settings) {
  if (settings.sandbox == "off") return std::optional<Sandbox>();
  Result<Sandbox> sandbox = Sandbox::open({.folders = settings.sandbox_bind});
  if (!sandbox) return sandbox.error();
  return std::optional(std::move(sandbox).value());
}

std::optional<MemoryGroups> memory_groups_of(Log& log) {
  Result<MemoryGroups> groups = MemoryGroups::open(MemoryGroups::Move::allowed);
  if (!groups) {
    log.event(LogLevel::info, "no_memory_groups", {{"reason", groups.error().detail}});
    return std::nullopt;
  }
  return std::move(groups).value();
}

std::string native_worker_of(const NodeSettings& settings) {
  if (settings.native == "off") return {};
  return program_beside_this("pixmesh-vips-worker").value_or("");
}

NativeWorkersOptions native_workers_of(const NodeSettings& settings, Log& log) {
  NativeWorkersOptions native;
  if (settings.native == "off") return native;
  native.program = native_worker_of(settings);
  if (native.program.empty()) {
    log.event(LogLevel::info, "no_native_workers",
              {{"reason",
                "pixmesh-vips-worker does not lie beside this program; recipes run the "
                "libvips programs"}});
    return native;
  }
  native.fork_per_job = settings.native == "job";
  native.ready = workers_of(settings);
  return native;
}

}  // namespace pixmesh
