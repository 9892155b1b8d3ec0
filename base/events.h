#pragma once

#include <optional>
#include <variant>

#include "base/disk.h"
#include "base/executor.h"
#include "base/journal_store.h"
#include "base/result_store.h"
#include "base/shell_host.h"
#include "base/transport.h"

namespace pixmesh {

// What comes in from the outside world. One thread takes them from one queue, in order.

struct MessageArrived {
  LinkId link;
  Plane plane = Plane::control;
  Bytes message;
  std::optional<ChunkRef> chunk;  // valid until this event has been handled
};
/// The connection behind an inbound link of the control plane has ended. The link stays: whoever
/// was behind it may come again.
struct LinkClosed {
  LinkId link;
};
struct DiskAnswered {
  std::uint32_t disk = 0;
  OperationId ticket;
  Result<DiskAnswer> answer;  // a chunk in it is valid until this event has been handled
};
struct ToolEnded {
  ToolReport report;
};
struct BackgroundDone {
  OperationId ticket;
};
struct StopAsked {};    // SIGTERM, SIGINT
struct ReloadAsked {};  // SIGHUP

using HostEvent =
    std::variant<MessageArrived, DiskAnswered, ToolEnded, BackgroundDone, StopAsked, ReloadAsked,
                 ResultKept, AllResultsFound, LinkClosed, ShellNews, JournalFound>;

/// Where host threads put events. Safe to call from any thread; never blocks for long.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void post(HostEvent event) = 0;
};

}  // namespace pixmesh
