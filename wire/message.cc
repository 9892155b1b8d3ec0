#include "wire/message.h"

#include "wire/codec.h"

namespace pixmesh {
namespace {

constexpr std::uint32_t envelope_fields = 3;  // format, type, fields

template <typename Variant>
Bytes encode_any(const Variant& message) {
  msgpack::sbuffer buffer(256);
  codec::Packer out(buffer);
  out.pack_array(envelope_fields);
  out.pack_uint32(format_version);
  std::visit(
      [&]<typename T>(const T& value) {
        out.pack_uint16(Fields<T>::number);
        codec::write(out, value);
      },
      message);
  return codec::to_bytes(buffer);
}

// Tries the alternatives one by one; the numbers are few and known while compiling.
template <typename Variant, std::size_t index = 0>
void read_alternative(std::uint64_t number, const msgpack::object& in, Variant& message) {
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
  return codec::guarded<Variant>("message of ours", [&] {
    const msgpack::object_handle handle = codec::unpack(bytes);
    const msgpack::object& envelope = handle.get();
    codec::need(envelope.type == msgpack::type::ARRAY &&
                envelope.via.array.size == envelope_fields);
    const msgpack::object* part = envelope.via.array.ptr;
    codec::need(part[0].type == msgpack::type::POSITIVE_INTEGER &&
                part[0].via.u64 == format_version);
    codec::need(part[1].type == msgpack::type::POSITIVE_INTEGER);
    Variant message;
    read_alternative<Any>(part[1].via.u64, part[2], message);
    return message;
  });
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
Result<Message> decode_message(ByteView bytes) { return decode_any<AnyMessage, Message>(bytes); }
Result<BulkMessage> decode_bulk(ByteView bytes) { return decode_any<BulkMessage>(bytes); }

}  // namespace pixmesh
