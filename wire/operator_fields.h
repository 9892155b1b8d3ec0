#pragma once

#include <cstdint>

#include "wire/message.h"
#include "wire/value_fields.h"

// Operators: numbers 130 to 199. fields.h has the rules.
namespace pixmesh {

template <>
struct Fields<StatusRequest> {
  static constexpr std::uint16_t number = 130;
  using List = FieldList<&StatusRequest::operation>;
};
template <>
struct Fields<StatusAnswer> {
  static constexpr std::uint16_t number = 131;
  static constexpr std::size_t required = 35;
  using List = FieldList<
      &StatusAnswer::operation, &StatusAnswer::node, &StatusAnswer::mesh, &StatusAnswer::version,
      &StatusAnswer::epoch, &StatusAnswer::partition_bits, &StatusAnswer::replicas,
      &StatusAnswer::write_quorum, &StatusAnswer::uptime_seconds, &StatusAnswer::images,
      &StatusAnswer::bytes, &StatusAnswer::disk_free_bytes, &StatusAnswer::disk_total_bytes,
      &StatusAnswer::unsettled, &StatusAnswer::to_sync, &StatusAnswer::moved_bytes,
      &StatusAnswer::moved_files, &StatusAnswer::under_replicated, &StatusAnswer::hints,
      &StatusAnswer::frozen, &StatusAnswer::workers, &StatusAnswer::running, &StatusAnswer::queued,
      &StatusAnswer::dropped_messages, &StatusAnswer::malformed_messages, &StatusAnswer::members,
      &StatusAnswer::waits_for, &StatusAnswer::planned_slots, &StatusAnswer::ideal_slots,
      &StatusAnswer::disks, &StatusAnswer::votes, &StatusAnswer::repair, &StatusAnswer::clock,
      &StatusAnswer::sent, &StatusAnswer::begun_anew, &StatusAnswer::results, &StatusAnswer::runs,
      &StatusAnswer::sandbox, &StatusAnswer::shells, &StatusAnswer::tool_memory_bytes,
      &StatusAnswer::tool_memory_taken>;
};
template <>
struct Fields<RecipesRequest> {
  static constexpr std::uint16_t number = 132;
  using List = FieldList<&RecipesRequest::operation>;
};
template <>
struct Fields<RecipesAnswer> {
  static constexpr std::uint16_t number = 133;
  using List = FieldList<&RecipesAnswer::operation, &RecipesAnswer::recipes>;
};
template <>
struct Fields<CommandRequest> {
  static constexpr std::uint16_t number = 134;
  using List =
      FieldList<&CommandRequest::operation, &CommandRequest::command, &CommandRequest::target,
                &CommandRequest::force, &CommandRequest::accept_fewer_copies,
                &CommandRequest::amount, &CommandRequest::replicas, &CommandRequest::write_quorum,
                &CommandRequest::path>;
};
template <>
struct Fields<CommandAnswer> {
  static constexpr std::uint16_t number = 135;
  using List = FieldList<&CommandAnswer::operation, &CommandAnswer::code, &CommandAnswer::detail>;
};
template <>
struct Fields<AliveRequest> {
  static constexpr std::uint16_t number = 136;
  using List = FieldList<&AliveRequest::operation>;
};
template <>
struct Fields<AliveAnswer> {
  static constexpr std::uint16_t number = 137;
  using List = FieldList<&AliveAnswer::operation, &AliveAnswer::age_ms>;
};
template <>
struct Fields<VerifyRequest> {
  static constexpr std::uint16_t number = 138;
  using List =
      FieldList<&VerifyRequest::operation, &VerifyRequest::partition, &VerifyRequest::digest>;
};
template <>
struct Fields<VerifyAnswer> {
  static constexpr std::uint16_t number = 139;
  using List = FieldList<&VerifyAnswer::operation, &VerifyAnswer::code, &VerifyAnswer::detail>;
};

template <>
struct Fields<CostsRequest> {
  static constexpr std::uint16_t number = 144;
  using List = FieldList<&CostsRequest::operation, &CostsRequest::after>;
};
template <>
struct Fields<CostsAnswer> {
  static constexpr std::uint16_t number = 145;
  using List = FieldList<&CostsAnswer::operation, &CostsAnswer::costs, &CostsAnswer::more>;
};

template <>
struct Fields<PurgeRequest> {
  static constexpr std::uint16_t number = 146;
  static constexpr std::size_t required = 2;
  using List = FieldList<&PurgeRequest::operation, &PurgeRequest::sources, &PurgeRequest::names,
                         &PurgeRequest::prefixes>;
};
template <>
struct Fields<PurgeAnswer> {
  static constexpr std::uint16_t number = 147;
  using List = FieldList<&PurgeAnswer::operation, &PurgeAnswer::dropped, &PurgeAnswer::bytes>;
};

}  // namespace pixmesh
