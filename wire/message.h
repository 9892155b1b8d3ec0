#pragma once

#include <variant>

#include "base/alternative.h"
#include "base/result.h"
#include "membership/eviction_messages.h"
#include "membership/hello.h"
#include "membership/liveness_messages.h"
#include "membership/record_exchange.h"
#include "replication/messages.h"
#include "routing/request.h"
#include "routing/run_messages.h"
#include "wire/operator_messages.h"
#include "wire/shell_messages.h"

namespace pixmesh {

template <typename... Variants>
struct Joined;
template <typename... A>
struct Joined<std::variant<A...>> {
  using type = std::variant<A...>;
};
template <typename... A, typename... B, typename... Rest>
struct Joined<std::variant<A...>, std::variant<B...>, Rest...> {
  using type = typename Joined<std::variant<A..., B...>, Rest...>::type;
};

using LoadMessage = std::variant<ProbeLoad, LoadAnswer, ReleaseLoad>;

/// Every message of the control plane. The machines own their structs; here they are only listed.
using AnyMessage = Joined<LivenessMessage, RecordMessage, HelloMessage, VoteMessage, AnyPeerMessage,
                          LoadMessage, RunMessage, OperatorMessage, ShellMessage>::type;
/// Compiled once, like PeerMessage.
struct Message : AnyMessage {
  template <AlternativeOf<AnyMessage> T>
  Message(T&& message)
      : AnyMessage(std::in_place_type<std::remove_cvref_t<T>>, std::forward<T>(message)) {}
  Message();
  Message(const Message&);
  Message(Message&&) noexcept;
  Message& operator=(const Message&);
  Message& operator=(Message&&) noexcept;
  ~Message();
};

/// A message as one frame: format number, type number, fields. At most message_bytes_max, which
/// the paging of every list sees to.
[[nodiscard]] Bytes encode(const Message& message);
[[nodiscard]] Bytes encode(const BulkMessage& message);

/// Errors: malformed, whatever the bytes are; never more memory than a few times their size.
[[nodiscard]] Result<Message> decode_message(ByteView bytes);
[[nodiscard]] Result<BulkMessage> decode_bulk(ByteView bytes);

/// The number of a message's type as docs/formats.md lists it; 0 if these bytes are no message.
/// Reads the first bytes only.
[[nodiscard]] std::uint32_t message_number_of(ByteView message);

/// A member of any of the lists above, as a Message.
template <typename Variant>
[[nodiscard]] Message to_message(Variant&& part) {
  return std::visit([](auto&& one) -> Message { return std::forward<decltype(one)>(one); },
                    std::forward<Variant>(part));
}

}  // namespace pixmesh
