// I3: no read returns bytes whose digest differs from the record, and no record has a digest that
// nobody wrote under its name.
#include <algorithm>

#include "base/digest.h"
#include "simulations/checks/check.h"

namespace pixmesh {
namespace {

class Integrity : public Check {
 public:
  explicit Integrity(const Scene& scene) : Check(scene, "I3") {}

  void on_bytes(const BytesSeen& seen) override {
    if (seen.bytes != nullptr && digest_of(*seen.bytes) != seen.record.digest) {
      report("'" + seen.record.name + "' came with other bytes than its record names", {seen.via});
    }
  }
  void on_lookup(const LookupSeen& seen) override {
    if (seen.answer == nullptr || seen.answer->code != ErrorCode{}) return;
    const NameHistory* history = scene_.oracle.history_of(seen.name);
    const auto wrote_it = [&](const Write& write) {
      return write.kind == WriteKind::content && write.digest == seen.answer->record.digest;
    };
    if (history != nullptr &&
        std::any_of(history->writes.begin(), history->writes.end(), wrote_it)) {
      return;
    }
    report("'" + seen.name + "' has bytes that nobody wrote there", {seen.via});
  }
};

}  // namespace

CheckPtr make_i03(const Scene& scene) { return std::make_unique<Integrity>(scene); }

}  // namespace pixmesh
