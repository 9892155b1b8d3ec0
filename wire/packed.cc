#include "wire/packed.h"

#include <msgpack.hpp>

namespace pixmesh::codec {
namespace {

// What msgpack writes to.
struct Sink {
  Bytes& bytes;
  void write(const char* data, std::size_t size) {
    const auto* first = reinterpret_cast<const std::uint8_t*>(data);  // or it goes byte by byte
    bytes.insert(bytes.end(), first, first + size);
  }
};

// Writes with a packer of its own: that is no more than a reference.
void append(Bytes& bytes, const auto& write) {
  Sink sink{bytes};
  msgpack::packer<Sink> packer(sink);
  write(packer);
}

const msgpack::object& as_object(const void* value) {
  return *static_cast<const msgpack::object*>(value);
}

// Whether texts and byte strings stay where they are.
bool refer(msgpack::type::object_type, std::size_t, void*) { return true; }

}  // namespace

void Packer::number(std::uint64_t value) {
  append(bytes_, [&](auto& out) { out.pack_uint64(value); });
}
void Packer::boolean(bool value) {
  append(bytes_, [&](auto& out) { value ? out.pack_true() : out.pack_false(); });
}
void Packer::text(std::string_view value) {
  const auto size = static_cast<std::uint32_t>(value.size());
  append(bytes_, [&](auto& out) { out.pack_str(size).pack_str_body(value.data(), size); });
}
void Packer::bytes(ByteView value) {
  const auto size = static_cast<std::uint32_t>(value.size());
  append(bytes_, [&](auto& out) {
    out.pack_bin(size).pack_bin_body(reinterpret_cast<const char*>(value.data()), size);
  });
}
void Packer::nil() {
  append(bytes_, [](auto& out) { out.pack_nil(); });
}
void Packer::list(std::size_t size) {
  append(bytes_, [&](auto& out) { out.pack_array(static_cast<std::uint32_t>(size)); });
}

std::uint64_t Packed::number(std::uint64_t max) const {
  const msgpack::object& object = as_object(object_);
  need(object.type == msgpack::type::POSITIVE_INTEGER && object.via.u64 <= max);
  return object.via.u64;
}
bool Packed::boolean() const {
  const msgpack::object& object = as_object(object_);
  need(object.type == msgpack::type::BOOLEAN);
  return object.via.boolean;
}
std::string_view Packed::text() const {
  const msgpack::object& object = as_object(object_);
  need(object.type == msgpack::type::STR);
  return {object.via.str.ptr, object.via.str.size};
}
ByteView Packed::bytes() const {
  const msgpack::object& object = as_object(object_);
  need(object.type == msgpack::type::BIN);
  return {reinterpret_cast<const std::uint8_t*>(object.via.bin.ptr), object.via.bin.size};
}
bool Packed::is_nil() const { return as_object(object_).type == msgpack::type::NIL; }
std::size_t Packed::list_size() const {
  const msgpack::object& object = as_object(object_);
  need(object.type == msgpack::type::ARRAY);
  return object.via.array.size;
}
Packed Packed::at(std::size_t i) const {
  need(i < list_size());
  return Packed(as_object(object_).via.array.ptr + i);
}

struct Unpacked::Objects {
  msgpack::object_handle handle;
};

Unpacked::Unpacked(ByteView bytes) : objects_(std::make_unique<Objects>()) {
  static const msgpack::unpack_limit limit(4'096, 0, 64U << 10, 1U << 20, 0, 12);
  std::size_t offset = 0;
  try {
    msgpack::unpack(objects_->handle, reinterpret_cast<const char*>(bytes.data()), bytes.size(),
                    offset, refer, nullptr, limit);
  } catch (const msgpack::unpack_error&) {
    throw Malformed{};
  }
  need(offset == bytes.size());
}
Unpacked::~Unpacked() = default;

Packed Unpacked::value() const { return Packed(&objects_->handle.get()); }

}  // namespace pixmesh::codec
