#pragma once

#include <cstdint>

#include "wire/message.h"
#include "wire/value_fields.h"

// Plans of operators: numbers 140 to 143 of theirs. fields.h has the rules.
namespace pixmesh {

template <>
struct Fields<RingChange> {
  using List = FieldList<&RingChange::kind, &RingChange::node, &RingChange::weight,
                         &RingChange::capacity_bytes, &RingChange::zone>;
};
template <>
struct Fields<PlannedShare> {
  using List = FieldList<&PlannedShare::node, &PlannedShare::slots_before,
                         &PlannedShare::slots_after, &PlannedShare::bytes_before,
                         &PlannedShare::bytes_after, &PlannedShare::bytes_gained>;
};
template <>
struct Fields<PlanRequest> {
  static constexpr std::uint16_t number = 140;
  using List = FieldList<&PlanRequest::operation, &PlanRequest::change, &PlanRequest::after>;
};
template <>
struct Fields<PlanAnswer> {
  static constexpr std::uint16_t number = 141;
  using List =
      FieldList<&PlanAnswer::operation, &PlanAnswer::code, &PlanAnswer::detail, &PlanAnswer::plan,
                &PlanAnswer::moved_slots, &PlanAnswer::replicas_before, &PlanAnswer::replicas_after,
                &PlanAnswer::live_copies_before, &PlanAnswer::live_copies_after,
                &PlanAnswer::unsettled, &PlanAnswer::shares, &PlanAnswer::more>;
};
template <>
struct Fields<ApplyRequest> {
  static constexpr std::uint16_t number = 142;
  using List =
      FieldList<&ApplyRequest::operation, &ApplyRequest::plan, &ApplyRequest::accept_fewer_copies>;
};
template <>
struct Fields<ApplyAnswer> {
  static constexpr std::uint16_t number = 143;
  using List = FieldList<&ApplyAnswer::operation, &ApplyAnswer::code, &ApplyAnswer::detail,
                         &ApplyAnswer::node>;
};

}  // namespace pixmesh
