#pragma once

#include <memory>

#include "base/bytes.h"

// Values as msgpack, one at a time. The library itself is included in packed.cc alone: its inline
// functions cost the compiler much where they are used a thousand times.
namespace pixmesh::codec {

/// Thrown by what reads, and caught in wire: the bytes are not what they should be.
struct Malformed {};

inline void need(bool holds) {
  if (!holds) throw Malformed{};
}

/// Appends values; each takes the fewest bytes that msgpack has for it.
class Packer {
 public:
  Packer() { bytes_.reserve(512); }

  void number(std::uint64_t value);
  void boolean(bool value);
  void text(std::string_view value);
  void bytes(ByteView value);
  void nil();
  /// The next `size` values belong together.
  void list(std::size_t size);

  Bytes take() && { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

/// One value of some unpacked bytes, which must outlive it.
/// Each reader throws Malformed when the value is of another kind.
class Packed {
 public:
  explicit Packed(const void* object) : object_(object) {}

  /// @throws Malformed when it is negative, or above `max`.
  std::uint64_t number(std::uint64_t max) const;
  bool boolean() const;
  std::string_view text() const;
  ByteView bytes() const;
  bool is_nil() const;
  std::size_t list_size() const;
  /// @param i  below list_size().
  Packed at(std::size_t i) const;

 private:
  const void* object_;  // a msgpack::object
};

/// Bytes taken apart within bounds: depth 12, lists 4,096, texts 64 KiB, byte strings 1 MiB.
/// Nothing is copied: the bytes must outlive it.
class Unpacked {
 public:
  /// @throws Malformed  for bytes that are not one msgpack value within the bounds.
  explicit Unpacked(ByteView bytes);
  ~Unpacked();

  Packed value() const;

 private:
  struct Objects;
  std::unique_ptr<Objects> objects_;
};

}  // namespace pixmesh::codec
