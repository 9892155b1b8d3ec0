#pragma once

#include <msgpack.hpp>

#include "wire/fields.h"

// How values become msgpack and come back. Included only inside wire.
//
//   integers, enums, bools   msgpack numbers and bools
//   texts                    str
//   ids, keys, digests       bin of their very size
//   lists of u64             bin, 8 bytes each, little-endian (checksums of a large image)
//   optional                 nil or the value
//   structs and lists        array
namespace pixmesh::codec {

using Packer = msgpack::packer<msgpack::sbuffer>;

/// Thrown by `read` and caught in wire: the bytes are not what they should be.
struct Malformed {};

inline void need(bool holds) {
  if (!holds) throw Malformed{};
}

inline void pack_bytes(Packer& out, const void* bytes, std::size_t size) {
  out.pack_bin(static_cast<std::uint32_t>(size));
  out.pack_bin_body(static_cast<const char*>(bytes), static_cast<std::uint32_t>(size));
}

template <typename T>
struct Value;

template <typename T>
void write(Packer& out, const T& value) {
  Value<T>::write(out, value);
}
template <typename T>
void read(const msgpack::object& in, T& value) {
  Value<T>::read(in, value);
}

template <typename T>
requires(std::is_unsigned_v<T> && !std::is_same_v<T, bool>) struct Value<T> {
  static void write(Packer& out, T value) { out.pack_uint64(value); }
  static void read(const msgpack::object& in, T& value) {
    need(in.type == msgpack::type::POSITIVE_INTEGER && in.via.u64 <= std::numeric_limits<T>::max());
    value = static_cast<T>(in.via.u64);
  }
};

template <>
struct Value<bool> {
  static void write(Packer& out, bool value) { value ? out.pack_true() : out.pack_false(); }
  static void read(const msgpack::object& in, bool& value) {
    need(in.type == msgpack::type::BOOLEAN);
    value = in.via.boolean;
  }
};

template <typename T>
requires(std::is_enum_v<T>) struct Value<T> {
  using Raw = std::underlying_type_t<T>;
  static void write(Packer& out, T value) { codec::write(out, static_cast<Raw>(value)); }
  static void read(const msgpack::object& in, T& value) {
    Raw raw{};
    codec::read(in, raw);
    value = static_cast<T>(raw);
  }
};

template <>
struct Value<std::string> {
  static void write(Packer& out, const std::string& value) {
    out.pack_str(static_cast<std::uint32_t>(value.size()));
    out.pack_str_body(value.data(), static_cast<std::uint32_t>(value.size()));
  }
  static void read(const msgpack::object& in, std::string& value) {
    need(in.type == msgpack::type::STR);
    value.assign(in.via.str.ptr, in.via.str.size);
  }
};

template <std::size_t size>
struct Value<std::array<std::uint8_t, size>> {
  static void write(Packer& out, const std::array<std::uint8_t, size>& value) {
    pack_bytes(out, value.data(), size);
  }
  static void read(const msgpack::object& in, std::array<std::uint8_t, size>& value) {
    need(in.type == msgpack::type::BIN && in.via.bin.size == size);
    std::copy_n(in.via.bin.ptr, size, reinterpret_cast<char*>(value.data()));
  }
};

template <typename IdTag, typename Raw>
struct Value<Id<IdTag, Raw>> {
  static void write(Packer& out, const Id<IdTag, Raw>& value) { codec::write(out, value.raw); }
  static void read(const msgpack::object& in, Id<IdTag, Raw>& value) { codec::read(in, value.raw); }
};

template <typename T>
struct Value<std::optional<T>> {
  static void write(Packer& out, const std::optional<T>& value) {
    value ? codec::write(out, *value) : static_cast<void>(out.pack_nil());
  }
  static void read(const msgpack::object& in, std::optional<T>& value) {
    if (in.type == msgpack::type::NIL) {
      value.reset();
      return;
    }
    codec::read(in, value.emplace());
  }
};

template <>
struct Value<std::vector<std::uint64_t>> {
  static void write(Packer& out, const std::vector<std::uint64_t>& value) {
    CanonicalBytes bytes;
    for (const std::uint64_t word : value) bytes.u64(word);
    pack_bytes(out, bytes.bytes().data(), bytes.bytes().size());
  }
  static void read(const msgpack::object& in, std::vector<std::uint64_t>& value) {
    need(in.type == msgpack::type::BIN && in.via.bin.size % 8 == 0);
    value.resize(in.via.bin.size / 8);
    for (std::size_t i = 0; i < value.size(); ++i) {
      value[i] = 0;
      for (std::size_t j = 0; j < 8; ++j) {
        value[i] |= std::uint64_t{static_cast<std::uint8_t>(in.via.bin.ptr[8 * i + j])} << (8 * j);
      }
    }
  }
};

template <typename T>
struct Value<std::vector<T>> {
  static void write(Packer& out, const std::vector<T>& value) {
    out.pack_array(static_cast<std::uint32_t>(value.size()));
    for (const T& one : value) codec::write(out, one);
  }
  static void read(const msgpack::object& in, std::vector<T>& value) {
    need(in.type == msgpack::type::ARRAY);
    value.clear();
    value.reserve(in.via.array.size);
    for (std::size_t i = 0; i < in.via.array.size; ++i) {
      codec::read(in.via.array.ptr[i], value.emplace_back());
    }
  }
};

template <HasFields T>
struct Value<T> {
  static constexpr std::size_t count = Fields<T>::List::size;
  /// How many fields must be there. Those behind them keep their defaults when an older writer did
  /// not know them.
  static constexpr std::size_t required = [] {
    if constexpr (requires { Fields<T>::required; }) return std::size_t{Fields<T>::required};
    return count;
  }();
  static void write(Packer& out, const T& value) {
    out.pack_array(static_cast<std::uint32_t>(count));
    Fields<T>::List::apply([&](auto... field) { (codec::write(out, value.*field), ...); });
  }
  static void read(const msgpack::object& in, T& value) {
    need(in.type == msgpack::type::ARRAY && in.via.array.size >= required);
    const std::size_t present = in.via.array.size;
    std::size_t i = 0;
    const auto read_next = [&](auto field) {
      if (i < present) codec::read(in.via.array.ptr[i++], value.*field);
    };
    Fields<T>::List::apply([&](auto... field) { (read_next(field), ...); });
  }
};

/// The bounds of every decoding: depth 12, lists 4,096, texts 64 KiB, bins 1 MiB.
inline msgpack::object_handle unpack(ByteView bytes) {
  const msgpack::unpack_limit limit(4'096, 0, 64U << 10, 1U << 20, 0, 12);
  std::size_t offset = 0;
  auto handle = msgpack::unpack(reinterpret_cast<const char*>(bytes.data()), bytes.size(), offset,
                                nullptr, nullptr, limit);
  need(offset == bytes.size());
  return handle;
}

inline Bytes to_bytes(const msgpack::sbuffer& buffer) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(buffer.data());
  return {begin, begin + buffer.size()};
}

/// Runs `decode`; whatever it or msgpack throws becomes `malformed`.
template <typename T, typename Decode>
Result<T> guarded(const char* what, Decode&& decode) {
  try {
    return decode();
  } catch (const Malformed&) {
  } catch (const msgpack::unpack_error&) {
  } catch (const std::bad_alloc&) {
  }
  return Error{ErrorCode::malformed, std::string("these bytes are no ") + what};
}

}  // namespace pixmesh::codec
