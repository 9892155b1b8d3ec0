#include "node/counted_transport.h"

#include <utility>

#include "wire/message.h"

namespace pixmesh {
namespace {

// As docs/formats.md has them.
constexpr std::uint32_t membership_last = 29;
constexpr std::uint32_t repair_first = 70;
constexpr std::uint32_t repair_last = 83;

}  // namespace

bool CountedTransport::send(LinkId link, Bytes message) {
  const std::uint32_t number = message_number_of(message);
  const bool is_repair = number >= repair_first && number <= repair_last;
  std::uint64_t& sum = number <= membership_last ? sent_.membership
                       : is_repair               ? sent_.repair
                                                 : sent_.other;
  sum += message.size();
  ++sent_.messages;
  return real_.send(link, std::move(message));
}

bool CountedTransport::send_chunk(LinkId link, Bytes message, ChunkRef chunk) {
  sent_.other += message.size() + chunk.size;
  ++sent_.messages;
  return real_.send_chunk(link, std::move(message), chunk);
}

}  // namespace pixmesh
