#pragma once

#include <cstdint>

#include "wire/message.h"
#include "wire/value_fields.h"

// The bulk plane: numbers from 200. fields.h has the rules.
namespace pixmesh {

template <>
struct Fields<StreamChunk> {
  static constexpr std::uint16_t number = 200;
  using List = FieldList<&StreamChunk::stream, &StreamChunk::index, &StreamChunk::last>;
};
template <>
struct Fields<StreamCredit> {
  static constexpr std::uint16_t number = 201;
  using List = FieldList<&StreamCredit::stream, &StreamCredit::count>;
};
template <>
struct Fields<StreamOpen> {
  static constexpr std::uint16_t number = 202;
  using List = FieldList<&StreamOpen::stream, &StreamOpen::credit, &StreamOpen::run,
                         &StreamOpen::partition, &StreamOpen::digest, &StreamOpen::media,
                         &StreamOpen::size, &StreamOpen::checksums, &StreamOpen::first_chunk>;
};
template <>
struct Fields<StreamEnd> {
  static constexpr std::uint16_t number = 203;
  using List =
      FieldList<&StreamEnd::stream, &StreamEnd::code, &StreamEnd::detail, &StreamEnd::lost>;
  static constexpr std::size_t required = 3;
};

}  // namespace pixmesh
