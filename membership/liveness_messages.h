#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"

namespace pixmesh {

/// How a member seems. Of equal incarnations the greater state wins. The values go over the wire.
enum class LifeState : std::uint8_t {
  alive,
  suspect,  // did not answer somebody; may still object
  dead,     // suspected and did not object in time
  left,     // said that its process ends
};

/// "alive", "suspect", "dead" or "left", for people.
[[nodiscard]] std::string_view text_of(LifeState state);

/// One member's liveness as somebody tells it.
struct LivenessRumour {
  NodeId node;
  LifeState state = LifeState::alive;
  std::uint64_t incarnation = 0;
  NodeId accuser;  // who found a suspect silent; independent accusers shorten its time

  friend bool operator==(const LivenessRumour&, const LivenessRumour&) = default;
};

// Every message carries the sender's own incarnation, the digest of its member table (so that any
// message shows a difference in member records), and some rumours. At rest there are no rumours.

struct Ping {
  std::uint32_t sequence = 0;
  std::uint64_t incarnation = 0;
  std::array<std::uint8_t, 32> table_digest{};
  std::vector<LivenessRumour> rumours;
};
struct Ack {
  std::uint32_t sequence = 0;  // of the Ping, or of the PingRequest whose target has answered
  std::uint64_t incarnation = 0;
  std::array<std::uint8_t, 32> table_digest{};
  std::vector<LivenessRumour> rumours;
  std::uint64_t wall_micros = 0;  // the sender's wall clock; whoever sends the message fills it in
};
struct PingRequest {  // ping `target` for me
  std::uint32_t sequence = 0;
  NodeId target;
  std::uint64_t incarnation = 0;
  std::array<std::uint8_t, 32> table_digest{};
  std::vector<LivenessRumour> rumours;
};
struct Nack {  // I am well, but the target of your PingRequest has not answered yet
  std::uint32_t sequence = 0;
  std::uint64_t incarnation = 0;
  std::array<std::uint8_t, 32> table_digest{};
  std::vector<LivenessRumour> rumours;
};
struct GossipPush {
  bool is_summary = false;     // rumours are all I hold not alive (a page of them), not news
  bool answer_wanted = false;  // tell me yours
  std::uint64_t incarnation = 0;
  std::array<std::uint8_t, 32> table_digest{};
  std::vector<LivenessRumour> rumours;  // at most page_entries_max
};

using LivenessMessage = std::variant<Ping, Ack, PingRequest, Nack, GossipPush>;

}  // namespace pixmesh
