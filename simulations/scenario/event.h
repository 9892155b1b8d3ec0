#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace pixmesh {

/// What kind of misfortune an event is; each is off in half of all seeds. `operation` is a client's
/// wish and always on.
enum class FaultClass : std::uint8_t {
  operation,
  network,
  crash,
  pause,
  clock,
  disk,
  loss,  // disks that come back empty, or as they were before: the node cannot know
  tool,
  client,
  membership,
  motion,   // members come, go, and stay after all; strikes while partitions move
  repeat,   // clients say again what was acknowledged
  rot,      // stored bytes change
  restore,  // whole nodes are put back to an earlier state, or run twice
  state,    // the disk under the state folder
  rare,     // in one scenario of fifty what lasts for minutes
  beyond,   // more is destroyed than a mesh can survive
  bay,      // disks are put in and taken out while a node runs
};
inline constexpr std::size_t fault_class_count = 18;
[[nodiscard]] std::string_view word_of(FaultClass one);
[[nodiscard]] std::optional<FaultClass> parse_fault_class(std::string_view word);

enum class EventKind : std::uint8_t {
  // Wishes of client `peer`, asked of `node`, with `number` as their own.
  put,         // `amount` bytes under `name`
  put_twice,   // the same wish at two nodes at once
  put_broken,  // the client goes silent after half of the bytes
  put_absent,  // only if there is none
  put_again,   // and the same wish once more, `lasting` after it was acknowledged
  remove,
  remove_again,
  get,
  get_broken,  // the client goes away while the bytes come
  list,        // whatever starts with `name`
  run,
  storm,  // `amount` runs at once
  tag,
  copy,     // `name` gets a second name, `name`-copy
  garbage,  // bytes that no member signed, `number` says which
  lie,      // a member, `node`, tells what no member signed
  // Network, between `node` and `peer` for `lasting`.
  cut,
  cut_way,  // from node to peer only
  hold,     // arrives afterwards
  reset,
  clog,     // `amount` bytes a second
  flap,     // cut and healed every `amount` ms
  isolate,  // node from all others
  split,    // nodes whose bit is set in `amount` from all others
  bridge,   // the same, but `node` reaches both sides
  ring,     // each node reaches only its neighbours by number
  latency,  // `amount` µs on average, everywhere
  lossy,    // one message in `amount` is sent again, everywhere
  late,     // one message in 50 takes `amount` ms longer, everywhere
  // Processes.
  crash,  // back after `lasting`
  crash_in_step,
  power_cut,  // all at once
  pause,
  slow,  // everything that needs the processor takes `amount` times as long
  // Clocks of `node`.
  clock_shift,  // `amount` ms ahead of what it showed
  clock_drift,  // `amount` parts per million
  clock_back,   // crash, and back after `lasting` with a clock `amount` ms behind
  // Disk `disk` of `node`.
  disk_full,
  disk_slow,  // `amount` µs more for each operation
  write_errors,
  short_writes,  // `amount` of them find room for half of their bytes
  sync_errors,
  read_errors,
  misreads,
  disk_lost,         // crash, and back with an empty disk in its place
  disk_rolled_back,  // crash after `lasting`, and back with the disk as it was now
  rot,               // one byte of one image on any disk; `number` 1: even of its last whole copy
  zeroed,            // page `number` of one image
  destroyed,         // all copies, wherever they are, of one image that `node` has
  // Disks of `node` that come and go while it runs.
  add_disk,      // `amount` of 128 GiB
  replace_disk,  // `disk` fails; after `lasting` it is pulled out, and a new one put in its place
  remove_disk,   // `disk` fails; after `lasting` it is pulled out, and the node goes on without it
  // All of `node`.
  node_rolled_back,  // crash after `lasting`, and back with its disk and state as they were now
  twin,              // a copy of its folders is started; one of the two ends, the copy is gone then
  // The disk under the state folder of `node`. A process that cannot write it ends, and is started
  // anew.
  state_full,
  state_slow,    // `amount` µs more for each operation
  state_errors,  // of `amount` writes
  // Tools of `node`.
  tool_trouble,  // `amount`: 1 fails, 2 dies, 3 floods, 4 hangs
  tool_slow,     // `amount` ms
  // Members.
  join,   // a new one in zone `node` of weight `amount`
  leave,  // asks `node` to leave
  stay,   // and to stay after all
  drain,
  forget,  // node is destroyed; the others are told
  weigh,   // `node` is given weight `amount`
  copies,  // `node` is told that the mesh keeps `amount` copies, and a put waits for `number`
  // `amount` ms after the next change of the placement; `number` says what, and to which holder.
  strike,
};
inline constexpr std::size_t event_kind_count = static_cast<std::size_t>(EventKind::strike) + 1;

/// One thing that is to happen at one moment. Which of the fields count depends on the kind.
struct Event {
  Duration at{};  // since the mesh was ready
  EventKind kind = EventKind::put;
  std::uint32_t node = 0;
  std::uint32_t peer = 0;
  Duration lasting{};
  std::int64_t amount = 0;
  std::uint32_t number = 0;
  std::string name;
  std::uint32_t disk = 0;  // of the node's, counted round
  friend bool operator==(const Event&, const Event&) = default;
};

/// How a kind is written, and which fields it has.
struct EventForm {
  std::string_view word;
  FaultClass fault;
  bool node;
  bool peer;
  bool lasting;
  bool amount;
  bool number;
  bool name;
  bool disk = false;  // written only if it is not the first
};
[[nodiscard]] const EventForm& form_of(EventKind kind);
[[nodiscard]] inline bool is_operation(const Event& event) { return event.kind <= EventKind::lie; }

/// "3.250000 crash node=2 for=10.000000".
[[nodiscard]] std::string text_of(const Event& event);
/// None if it is no such line.
[[nodiscard]] std::optional<Event> parse_event(std::string_view line);

}  // namespace pixmesh
