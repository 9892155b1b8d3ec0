#include "wire/message.h"

#include "wire/codec.h"

namespace pixmesh {
namespace {

constexpr std::uint32_t envelope_fields = 3;  // format, type, fields
constexpr std::uint64_t max_number = std::numeric_limits<std::uint16_t>::max();

template <typename Variant>
Bytes encode_any(const Variant& message) {
  codec::Packer out;
  out.list(envelope_fields);
  out.number(format_version);
  std::visit(
      [&]<typename T>(const T& value) {
        out.number(Fields<T>::number);
        codec::write(out, value);
      },
      message);
  return std::move(out).take();
}

// Tries the alternatives one by one; the numbers are few and known while compiling.
template <typename Variant, std::size_t index = 0>
void read_alternative(std::uint64_t number, codec::Packed in, Variant& message) {
  if constexpr (index == std::variant_size_v<Variant>) {
    codec::need(false);
  } else {
    using T = std::variant_alternative_t<index, Variant>;
    if (number == Fields<T>::number) {
      codec::read(in, message.template emplace<T>());
    } else {
      read_alternative<Variant, index + 1>(number, in, message);
    }
  }
}

template <typename Any, typename Variant = Any>
Result<Variant> decode_any(ByteView bytes) {
  const auto decode = [](codec::Packed envelope) {
    codec::need(envelope.list_size() == envelope_fields);
    codec::need(envelope.at(0).number(format_version) == format_version);
    Variant message;
    read_alternative<Any>(envelope.at(1).number(max_number), envelope.at(2), message);
    return message;
  };
  return codec::decode_with<Variant>(decode, "message of ours", bytes);
}

}  // namespace

Message::Message() = default;
Message::Message(const Message&) = default;
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(const Message&) = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;

Bytes encode(const Message& message) { return encode_any(message); }
Bytes encode(const BulkMessage& message) { return encode_any(message); }
std::uint32_t message_number_of(ByteView message) {
  constexpr std::uint8_t small_max = 0x7f;  // msgpack: a number in one byte
  constexpr std::uint8_t one_byte = 0xcc;   // msgpack: a number in the next byte
  if (message.size() < 4) return 0;
  if (message[2] <= small_max) return message[2];
  return message[2] == one_byte ? message[3] : 0;
}

Result<Message> decode_message(ByteView bytes) { return decode_any<AnyMessage, Message>(bytes); }
Result<BulkMessage> decode_bulk(ByteView bytes) { return decode_any<BulkMessage>(bytes); }

}  // namespace pixmesh
