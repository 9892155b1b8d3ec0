#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <type_traits>

#include "wire/fields.h"
#include "wire/packed.h"

// How values become msgpack and come back. Included only inside wire.
//
//   integers, enums, bools   msgpack numbers and bools
//   texts                    str
//   ids, keys, digests       bin of their very size
//   bytes                    bin
//   lists of u64             bin, 8 bytes each, little-endian (checksums of a large image)
//   optional                 nil or the value
//   structs and lists        array
namespace pixmesh::codec {

template <typename T>
struct Value;

template <typename T>
void write(Packer& out, const T& value) {
  Value<T>::write(out, value);
}
template <typename T>
void read(Packed in, T& value) {
  Value<T>::read(in, value);
}

template <typename T>
requires(std::is_unsigned_v<T> && !std::is_same_v<T, bool>) struct Value<T> {
  static void write(Packer& out, T value) { out.number(value); }
  static void read(Packed in, T& value) {
    value = static_cast<T>(in.number(std::numeric_limits<T>::max()));
  }
};

template <>
struct Value<bool> {
  static void write(Packer& out, bool value) { out.boolean(value); }
  static void read(Packed in, bool& value) { value = in.boolean(); }
};

template <typename T>
requires(std::is_enum_v<T>) struct Value<T> {
  using Raw = std::underlying_type_t<T>;
  static void write(Packer& out, T value) { codec::write(out, static_cast<Raw>(value)); }
  static void read(Packed in, T& value) {
    Raw raw{};
    codec::read(in, raw);
    value = static_cast<T>(raw);
  }
};

template <>
struct Value<std::string> {
  static void write(Packer& out, const std::string& value) { out.text(value); }
  static void read(Packed in, std::string& value) { value = in.text(); }
};

template <std::size_t size>
struct Value<std::array<std::uint8_t, size>> {
  static void write(Packer& out, const std::array<std::uint8_t, size>& value) { out.bytes(value); }
  static void read(Packed in, std::array<std::uint8_t, size>& value) {
    const ByteView bytes = in.bytes();
    need(bytes.size() == size);
    std::copy_n(bytes.begin(), size, value.begin());
  }
};

template <typename IdTag, typename Raw>
struct Value<Id<IdTag, Raw>> {
  static void write(Packer& out, const Id<IdTag, Raw>& value) { codec::write(out, value.raw); }
  static void read(Packed in, Id<IdTag, Raw>& value) { codec::read(in, value.raw); }
};

template <typename T>
struct Value<std::optional<T>> {
  static void write(Packer& out, const std::optional<T>& value) {
    value ? codec::write(out, *value) : out.nil();
  }
  static void read(Packed in, std::optional<T>& value) {
    if (in.is_nil()) {
      value.reset();
      return;
    }
    codec::read(in, value.emplace());
  }
};

template <>
struct Value<Bytes> {
  static void write(Packer& out, const Bytes& value) { out.bytes(value); }
  static void read(Packed in, Bytes& value) {
    const ByteView bytes = in.bytes();
    value.assign(bytes.begin(), bytes.end());
  }
};

template <>
struct Value<std::vector<std::uint64_t>> {
  static void write(Packer& out, const std::vector<std::uint64_t>& value) {
    CanonicalBytes bytes;
    for (const std::uint64_t word : value) bytes.u64(word);
    out.bytes(bytes.bytes());
  }
  static void read(Packed in, std::vector<std::uint64_t>& value) {
    const ByteView bytes = in.bytes();
    need(bytes.size() % 8 == 0);
    value.resize(bytes.size() / 8);
    for (std::size_t i = 0; i < value.size(); ++i) {
      value[i] = 0;
      for (std::size_t j = 0; j < 8; ++j) {
        value[i] |= std::uint64_t{bytes[8 * i + j]} << (8 * j);
      }
    }
  }
};

template <typename T>
struct Value<std::vector<T>> {
  static void write(Packer& out, const std::vector<T>& value) {
    out.list(value.size());
    for (const T& one : value) codec::write(out, one);
  }
  static void read(Packed in, std::vector<T>& value) {
    const std::size_t size = in.list_size();
    value.clear();
    value.reserve(size);
    for (std::size_t i = 0; i < size; ++i) codec::read(in.at(i), value.emplace_back());
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
    out.list(count);
    Fields<T>::List::apply([&](auto... field) { (codec::write(out, value.*field), ...); });
  }
  static void read(Packed in, T& value) {
    const std::size_t present = in.list_size();
    need(present >= required);
    std::size_t i = 0;
    const auto read_next = [&](auto field) {
      if (i < present) codec::read(in.at(i++), value.*field);
    };
    Fields<T>::List::apply([&](auto... field) { (read_next(field), ...); });
  }
};

/// Gives `decode` the value that the bytes are; whatever is thrown meanwhile becomes `malformed`.
template <typename T>
Result<T> decode_with(const auto& decode, const char* what, ByteView bytes) {
  try {
    const Unpacked unpacked(bytes);
    return decode(unpacked.value());
  } catch (const Malformed&) {
  } catch (const std::bad_alloc&) {
  }
  return Error{ErrorCode::malformed, std::string("these bytes are no ") + what};
}

}  // namespace pixmesh::codec
