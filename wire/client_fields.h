#pragma once

#include <cstdint>
#include <tuple>

#include "wire/message.h"
#include "wire/value_fields.h"

// Images, a client's wishes: numbers 30 to 59. fields.h has the rules.
namespace pixmesh {

template <>
struct Fields<RowRequest> {
  static constexpr std::uint16_t number = 30;
  static constexpr std::tuple list{&RowRequest::operation, &RowRequest::partition};
};
template <>
struct Fields<RowAnswer> {
  static constexpr std::uint16_t number = 31;
  static constexpr std::tuple list{&RowAnswer::operation, &RowAnswer::code,  &RowAnswer::detail,
                                   &RowAnswer::partition, &RowAnswer::lists, &RowAnswer::holders};
};
template <>
struct Fields<MeshRequest> {
  static constexpr std::uint16_t number = 32;
  static constexpr std::tuple list{&MeshRequest::operation};
};
template <>
struct Fields<MeshAnswer> {
  static constexpr std::uint16_t number = 33;
  static constexpr std::tuple list{&MeshAnswer::operation,     &MeshAnswer::mesh,
                                   &MeshAnswer::node,          &MeshAnswer::partition_bits,
                                   &MeshAnswer::placement_key, &MeshAnswer::replicas,
                                   &MeshAnswer::write_quorum,  &MeshAnswer::members};
};
template <>
struct Fields<PutRequest> {
  static constexpr std::uint16_t number = 34;
  static constexpr std::tuple list{
      &PutRequest::operation, &PutRequest::request,  &PutRequest::stream,
      &PutRequest::name,      &PutRequest::size,     &PutRequest::tags,
      &PutRequest::if_absent, &PutRequest::wait_all, &PutRequest::deadline_ms};
};
template <>
struct Fields<PutReady> {
  static constexpr std::uint16_t number = 35;
  static constexpr std::tuple list{&PutReady::operation, &PutReady::credit};
};
template <>
struct Fields<WriteDone> {
  static constexpr std::uint16_t number = 36;
  static constexpr std::tuple list{
      &WriteDone::operation, &WriteDone::code,   &WriteDone::detail,
      &WriteDone::version,   &WriteDone::digest, &WriteDone::size,
      &WriteDone::media,     &WriteDone::copies, &WriteDone::copies_wanted,
      &WriteDone::holders,   &WriteDone::stored, &WriteDone::retry_after_ms};
};
template <>
struct Fields<LookupRequest> {
  static constexpr std::uint16_t number = 37;
  static constexpr std::tuple list{&LookupRequest::operation, &LookupRequest::name,
                                   &LookupRequest::strict};
};
template <>
struct Fields<LookupAnswer> {
  static constexpr std::uint16_t number = 38;
  static constexpr std::tuple list{&LookupAnswer::operation, &LookupAnswer::code,
                                   &LookupAnswer::detail,    &LookupAnswer::record,
                                   &LookupAnswer::confirmed, &LookupAnswer::partition,
                                   &LookupAnswer::lists,     &LookupAnswer::holders};
};
template <>
struct Fields<RemoveRequest> {
  static constexpr std::uint16_t number = 39;
  static constexpr std::tuple list{&RemoveRequest::operation, &RemoveRequest::request,
                                   &RemoveRequest::name};
};
template <>
struct Fields<TagRequest> {
  static constexpr std::uint16_t number = 40;
  static constexpr std::tuple list{&TagRequest::operation, &TagRequest::request, &TagRequest::name,
                                   &TagRequest::changes};
};
template <>
struct Fields<CopyRequest> {
  static constexpr std::uint16_t number = 41;
  static constexpr std::tuple list{&CopyRequest::operation, &CopyRequest::request,
                                   &CopyRequest::name, &CopyRequest::source,
                                   &CopyRequest::source_holders};
};
template <>
struct Fields<ListRequest> {
  static constexpr std::uint16_t number = 42;
  static constexpr std::tuple list{&ListRequest::operation, &ListRequest::prefix,
                                   &ListRequest::after,     &ListRequest::limit,
                                   &ListRequest::tags,      &ListRequest::own_only};
};
template <>
struct Fields<ListAnswer> {
  static constexpr std::uint16_t number = 43;
  static constexpr std::tuple list{&ListAnswer::operation, &ListAnswer::code,
                                   &ListAnswer::detail,    &ListAnswer::entries,
                                   &ListAnswer::complete,  &ListAnswer::more};
};

}  // namespace pixmesh
