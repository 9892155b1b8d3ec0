#pragma once

#include <cstdint>

#include "wire/message.h"
#include "wire/value_fields.h"

// Images, a client's wishes: numbers 30 to 59. fields.h has the rules.
namespace pixmesh {

template <>
struct Fields<RowRequest> {
  static constexpr std::uint16_t number = 30;
  using List = FieldList<&RowRequest::operation, &RowRequest::partition>;
};
template <>
struct Fields<RowAnswer> {
  static constexpr std::uint16_t number = 31;
  using List = FieldList<&RowAnswer::operation, &RowAnswer::code, &RowAnswer::detail,
                         &RowAnswer::partition, &RowAnswer::lists, &RowAnswer::holders>;
};
template <>
struct Fields<MeshRequest> {
  static constexpr std::uint16_t number = 32;
  using List = FieldList<&MeshRequest::operation>;
};
template <>
struct Fields<MeshAnswer> {
  static constexpr std::uint16_t number = 33;
  using List = FieldList<&MeshAnswer::operation, &MeshAnswer::mesh, &MeshAnswer::node,
                         &MeshAnswer::partition_bits, &MeshAnswer::placement_key,
                         &MeshAnswer::replicas, &MeshAnswer::write_quorum, &MeshAnswer::members>;
};
template <>
struct Fields<PutRequest> {
  static constexpr std::uint16_t number = 34;
  using List = FieldList<&PutRequest::operation, &PutRequest::request, &PutRequest::stream,
                         &PutRequest::name, &PutRequest::size, &PutRequest::tags,
                         &PutRequest::if_absent, &PutRequest::wait_all, &PutRequest::deadline_ms>;
};
template <>
struct Fields<PutReady> {
  static constexpr std::uint16_t number = 35;
  using List = FieldList<&PutReady::operation, &PutReady::credit>;
};
template <>
struct Fields<WriteDone> {
  static constexpr std::uint16_t number = 36;
  using List = FieldList<&WriteDone::operation, &WriteDone::code, &WriteDone::detail,
                         &WriteDone::version, &WriteDone::digest, &WriteDone::size,
                         &WriteDone::media, &WriteDone::copies, &WriteDone::copies_wanted,
                         &WriteDone::holders, &WriteDone::stored, &WriteDone::retry_after_ms>;
};
template <>
struct Fields<LookupRequest> {
  static constexpr std::uint16_t number = 37;
  using List = FieldList<&LookupRequest::operation, &LookupRequest::name, &LookupRequest::strict>;
};
template <>
struct Fields<LookupAnswer> {
  static constexpr std::uint16_t number = 38;
  using List = FieldList<&LookupAnswer::operation, &LookupAnswer::code, &LookupAnswer::detail,
                         &LookupAnswer::record, &LookupAnswer::confirmed, &LookupAnswer::partition,
                         &LookupAnswer::lists, &LookupAnswer::holders>;
};
template <>
struct Fields<RemoveRequest> {
  static constexpr std::uint16_t number = 39;
  using List = FieldList<&RemoveRequest::operation, &RemoveRequest::request, &RemoveRequest::name>;
};
template <>
struct Fields<TagRequest> {
  static constexpr std::uint16_t number = 40;
  using List = FieldList<&TagRequest::operation, &TagRequest::request, &TagRequest::name,
                         &TagRequest::changes>;
};
template <>
struct Fields<CopyRequest> {
  static constexpr std::uint16_t number = 41;
  using List = FieldList<&CopyRequest::operation, &CopyRequest::request, &CopyRequest::name,
                         &CopyRequest::source, &CopyRequest::source_holders>;
};
template <>
struct Fields<ListRequest> {
  static constexpr std::uint16_t number = 42;
  using List = FieldList<&ListRequest::operation, &ListRequest::prefix, &ListRequest::after,
                         &ListRequest::limit, &ListRequest::tags, &ListRequest::among>;
};
template <>
struct Fields<ListAnswer> {
  static constexpr std::uint16_t number = 43;
  using List = FieldList<&ListAnswer::operation, &ListAnswer::code, &ListAnswer::detail,
                         &ListAnswer::entries, &ListAnswer::complete, &ListAnswer::more>;
};

}  // namespace pixmesh
