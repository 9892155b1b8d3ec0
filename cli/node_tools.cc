#include "cli/node_tools.h"

#include <algorithm>
#include <thread>

#include "host/system/program_path.h"

namespace pixmesh {

std::uint32_t workers_of(const NodeSettings& settings) {
  return settings.workers > 0 ? settings.workers
                              : std::max(1U, std::thread::hardware_concurrency());
}

NativeWorkersOptions native_workers_of(const NodeSettings& settings, Log& log) {
  NativeWorkersOptions native;
  if (settings.native == "off") return native;
  const auto program = program_beside_this("pixmesh-vips-worker");
  if (!program) {
    log.event(LogLevel::info, "no_native_workers",
              {{"reason",
                "pixmesh-vips-worker does not lie beside this program; recipes run the "
                "libvips programs"}});
    return native;
  }
  native.program = *program;
  native.fork_per_job = settings.native == "job";
  native.ready = workers_of(settings);
  return native;
}

}  // namespace pixmesh
