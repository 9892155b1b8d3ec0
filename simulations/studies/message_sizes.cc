#include "simulations/studies/message_sizes.h"

#include "wire/message.h"

namespace pixmesh::studies {
namespace {

constexpr std::uint64_t frame_header = 2;
constexpr std::uint64_t usual_incarnation = 1ULL << 20;
constexpr std::uint32_t usual_sequence = 70'000;

template <typename T>
std::uint64_t encoded_size(T message, std::size_t rumours) {
  message.incarnation = usual_incarnation;
  if constexpr (requires { message.sequence; }) message.sequence = usual_sequence;
  message.rumours.assign(rumours, {{}, LifeState::suspect, usual_incarnation, {}});
  return encode(to_message(LivenessMessage(std::move(message)))).size() + frame_header;
}

}  // namespace

MessageSizes::MessageSizes()
    : empty_{encoded_size(Ping{}, 0), encoded_size(Ack{}, 0), encoded_size(PingRequest{}, 0),
             encoded_size(Nack{}, 0), encoded_size(GossipPush{}, 0)},
      rumour_(encoded_size(Ping{}, 2) - encoded_size(Ping{}, 1)) {}

std::uint64_t MessageSizes::size_of(const LivenessMessage& message) const {
  const std::size_t rumours =
      std::visit([](const auto& any) { return any.rumours.size(); }, message);
  return empty_.at(message.index()) + rumour_ * rumours;
}

}  // namespace pixmesh::studies
