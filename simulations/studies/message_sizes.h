#pragma once

#include <array>
#include <cstdint>
#include <variant>

#include "membership/liveness_messages.h"

namespace pixmesh::studies {

struct Traffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

/// How many bytes liveness messages are on the wire: the frame that the product's codec makes, and
/// the two bytes that ZeroMQ puts in front of it. Without TCP, IP and Ethernet, which add 66 or
/// more a packet. The codec is asked once for each type and once for a rumour with an incarnation
/// of a restarted node; the sizes of other numbers differ by a few bytes.
class MessageSizes {
 public:
  MessageSizes();

  [[nodiscard]] std::uint64_t size_of(const LivenessMessage& message) const;

 private:
  std::array<std::uint64_t, std::variant_size_v<LivenessMessage>> empty_{};
  std::uint64_t rumour_ = 0;
};

}  // namespace pixmesh::studies
