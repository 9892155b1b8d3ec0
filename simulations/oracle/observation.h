#pragma once

#include "replication/messages.h"
#include "routing/run_messages.h"
#include "simulations/oracle/oracle.h"

// What clients saw. `audit`: asked when the mesh had every reason to be in order, so that no answer
// and half answers count as faults too.
namespace pixmesh {

struct WriteSeen {
  const Write& write;
  std::uint32_t via = 0;
  const WriteDone& done;
  bool repeated = false;  // acknowledged before the client said it once more
};
struct LookupSeen {
  const std::string& name;
  std::uint32_t via = 0;
  Instant begun;
  const LookupAnswer* answer = nullptr;  // none: nobody answered
  bool audit = false;
};
struct BytesSeen {
  const ImageRecord& record;
  std::uint32_t via = 0;
  const Bytes* bytes = nullptr;  // none: no holder gave them
  bool audit = false;
};
struct ListSeen {
  const std::string& prefix;
  std::uint32_t via = 0;
  Instant begun;
  const std::vector<ListEntry>& entries;
  bool complete = false;
  bool answered = false;
  bool audit = false;
};
struct RunSeen {
  const std::string& name;
  std::uint32_t via = 0;
  const RunInput& input;
  const Bytes& output;
  std::uint32_t delivered = 0;  // results for this one start
};

/// Is told what clients saw, when they saw it.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;
  virtual void on_write(const WriteSeen& seen) = 0;
  virtual void on_lookup(const LookupSeen& seen) = 0;
  virtual void on_bytes(const BytesSeen& seen) = 0;
  virtual void on_list(const ListSeen& seen) = 0;
  virtual void on_run(const RunSeen& seen) = 0;
};

}  // namespace pixmesh
