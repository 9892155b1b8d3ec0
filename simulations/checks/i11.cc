// I11: one result is delivered for each request, and it is the tool's output on the very bytes that
// were recorded under the name.
#include <algorithm>

#include "simulations/checks/check.h"
#include "simulations/world/virtual_executor.h"

namespace pixmesh {
namespace {

class OneResult : public Check {
 public:
  explicit OneResult(const Scene& scene) : Check(scene, "I11") {}

  void on_run(const RunSeen& seen) override {
    if (seen.delivered > 1) report("a request for '" + seen.name + "' had two results", {seen.via});
    const NameHistory* history = scene_.oracle.history_of(seen.name);
    const auto wrote_it = [&](const Write& write) {
      return write.kind == WriteKind::content && write.digest == seen.input.digest;
    };
    if (history == nullptr ||
        std::none_of(history->writes.begin(), history->writes.end(), wrote_it)) {
      return report("a run on '" + seen.name + "' used bytes that nobody wrote there", {seen.via});
    }
    if (seen.output != VirtualExecutor::output_of(seen.input.digest, seen.input.size)) {
      report("the result of a run on '" + seen.name + "' was made of other bytes", {seen.via});
    }
  }
};

}  // namespace

CheckPtr make_i11(const Scene& scene) { return std::make_unique<OneResult>(scene); }

}  // namespace pixmesh
