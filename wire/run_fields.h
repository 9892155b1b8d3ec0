#pragma once

#include <cstdint>

#include "wire/message.h"
#include "wire/value_fields.h"

// Runs: numbers 100 to 109. fields.h has the rules.
namespace pixmesh {

template <>
struct Fields<ProbeLoad> {
  static constexpr std::uint16_t number = 100;
  static constexpr std::size_t required = 4;
  using List =
      FieldList<&ProbeLoad::operation, &ProbeLoad::request, &ProbeLoad::recipe,
                &ProbeLoad::recipe_digest, &ProbeLoad::pixels, &ProbeLoad::batch,
                &ProbeLoad::deadline_ms, &ProbeLoad::work, &ProbeLoad::arbiter, &ProbeLoad::image,
                &ProbeLoad::way, &ProbeLoad::memory_most, &ProbeLoad::then>;
};
template <>
struct Fields<LoadAnswer> {
  static constexpr std::uint16_t number = 101;
  static constexpr std::size_t required = 8;
  using List =
      FieldList<&LoadAnswer::operation, &LoadAnswer::has_recipe, &LoadAnswer::accepts_work,
                &LoadAnswer::running, &LoadAnswer::queued, &LoadAnswer::announced,
                &LoadAnswer::workers, &LoadAnswer::service_micros, &LoadAnswer::wait_micros,
                &LoadAnswer::memory_bytes, &LoadAnswer::memory_free, &LoadAnswer::retry_after_ms,
                &LoadAnswer::too_large, &LoadAnswer::known, &LoadAnswer::placed_at,
                &LoadAnswer::claimed, &LoadAnswer::has_image>;
};
template <>
struct Fields<ReleaseLoad> {
  static constexpr std::uint16_t number = 102;
  static constexpr std::size_t required = 1;
  using List = FieldList<&ReleaseLoad::request, &ReleaseLoad::placed_at>;
};
template <>
struct Fields<RunRequest> {
  static constexpr std::uint16_t number = 103;
  static constexpr std::size_t required = 6;
  using List = FieldList<&RunRequest::operation, &RunRequest::request, &RunRequest::name,
                         &RunRequest::recipe, &RunRequest::arguments, &RunRequest::strict,
                         &RunRequest::batch, &RunRequest::deadline_ms, &RunRequest::force,
                         &RunRequest::then, &RunRequest::start_kept>;
};
template <>
struct Fields<RunCandidates> {
  static constexpr std::uint16_t number = 104;
  static constexpr std::size_t required = 9;
  using List = FieldList<&RunCandidates::operation, &RunCandidates::code, &RunCandidates::detail,
                         &RunCandidates::confirmed, &RunCandidates::input,
                         &RunCandidates::recipe_digest, &RunCandidates::candidates,
                         &RunCandidates::argv, &RunCandidates::retry_after_ms, &RunCandidates::then,
                         &RunCandidates::started, &RunCandidates::lost, &RunCandidates::choices>;
};
template <>
struct Fields<RunStart> {
  static constexpr std::uint16_t number = 105;
  static constexpr std::size_t required = 7;
  using List =
      FieldList<&RunStart::operation, &RunStart::request, &RunStart::input, &RunStart::recipe,
                &RunStart::recipe_digest, &RunStart::arguments, &RunStart::deadline_ms,
                &RunStart::batch, &RunStart::client, &RunStart::force, &RunStart::then>;
};
template <>
struct Fields<RunAccepted> {
  static constexpr std::uint16_t number = 106;
  using List = FieldList<&RunAccepted::operation, &RunAccepted::position>;
};
template <>
struct Fields<RunDone> {
  static constexpr std::uint16_t number = 107;
  static constexpr std::size_t required = 9;
  using List =
      FieldList<&RunDone::operation, &RunDone::code, &RunDone::detail, &RunDone::output_size,
                &RunDone::extension, &RunDone::queued_micros, &RunDone::wall_micros,
                &RunDone::cpu_micros, &RunDone::retry_after_ms, &RunDone::memory_bytes,
                &RunDone::verify_micros, &RunDone::origin, &RunDone::key, &RunDone::fingerprint,
                &RunDone::made_by, &RunDone::made_at_micros, &RunDone::output>;
};
template <>
struct Fields<RunAlive> {
  static constexpr std::uint16_t number = 108;
  using List = FieldList<&RunAlive::request>;
};
template <>
struct Fields<RunCancel> {
  static constexpr std::uint16_t number = 109;
  using List = FieldList<&RunCancel::request>;
};

}  // namespace pixmesh
