#pragma once

#include <cstdint>
#include <tuple>

#include "wire/message.h"
#include "wire/value_fields.h"

// The bulk plane: numbers from 200. fields.h has the rules.
namespace pixmesh {

template <>
struct Fields<StreamChunk> {
  static constexpr std::uint16_t number = 200;
  static constexpr std::tuple list{&StreamChunk::stream, &StreamChunk::index, &StreamChunk::last};
};
template <>
struct Fields<StreamCredit> {
  static constexpr std::uint16_t number = 201;
  static constexpr std::tuple list{&StreamCredit::stream, &StreamCredit::count};
};
template <>
struct Fields<StreamOpen> {
  static constexpr std::uint16_t number = 202;
  static constexpr std::tuple list{
      &StreamOpen::stream,    &StreamOpen::credit,    &StreamOpen::run,
      &StreamOpen::partition, &StreamOpen::digest,    &StreamOpen::media,
      &StreamOpen::size,      &StreamOpen::checksums, &StreamOpen::first_chunk};
};
template <>
struct Fields<StreamEnd> {
  static constexpr std::uint16_t number = 203;
  static constexpr std::tuple list{&StreamEnd::stream, &StreamEnd::code, &StreamEnd::detail};
};

}  // namespace pixmesh
