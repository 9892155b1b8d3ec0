#pragma once

#include <cstdint>

#include "wire/message.h"
#include "wire/value_fields.h"

// Records of requests: numbers 150 and 151 of the operators'. fields.h has the rules.
namespace pixmesh {

template <>
struct Fields<WhyHolder> {
  using List =
      FieldList<&WhyHolder::node, &WhyHolder::answered, &WhyHolder::answer_micros,
                &WhyHolder::has_recipe, &WhyHolder::accepts_work, &WhyHolder::running,
                &WhyHolder::queued, &WhyHolder::announced, &WhyHolder::workers,
                &WhyHolder::service_micros, &WhyHolder::wait_micros, &WhyHolder::score_micros>;
};
template <>
struct Fields<RouteReport> {
  using List = FieldList<&RouteReport::asked_micros, &RouteReport::name, &RouteReport::recipe,
                         &RouteReport::lookup_micros, &RouteReport::decided_micros,
                         &RouteReport::code, &RouteReport::detail, &RouteReport::holders>;
};
template <>
struct Fields<RunReport> {
  using List =
      FieldList<&RunReport::asked_micros, &RunReport::recipe, &RunReport::state, &RunReport::limit,
                &RunReport::position, &RunReport::inspect_micros, &RunReport::queue_micros,
                &RunReport::verify_micros, &RunReport::run_micros, &RunReport::send_micros,
                &RunReport::cpu_micros, &RunReport::memory_bytes, &RunReport::output_size,
                &RunReport::code, &RunReport::detail>;
};
template <>
struct Fields<WhyRequest> {
  static constexpr std::uint16_t number = 150;
  using List = FieldList<&WhyRequest::operation, &WhyRequest::request>;
};
template <>
struct Fields<WhyAnswer> {
  static constexpr std::uint16_t number = 151;
  using List =
      FieldList<&WhyAnswer::operation, &WhyAnswer::node, &WhyAnswer::routes, &WhyAnswer::runs>;
};

}  // namespace pixmesh
