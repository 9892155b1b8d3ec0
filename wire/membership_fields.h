#pragma once

#include <cstdint>

#include "wire/message.h"
#include "wire/value_fields.h"

// Membership: numbers 1 to 29. fields.h has the rules.
namespace pixmesh {

template <>
struct Fields<Ping> {
  static constexpr std::uint16_t number = 1;
  using List = FieldList<&Ping::sequence, &Ping::incarnation, &Ping::table_digest, &Ping::rumours>;
};
template <>
struct Fields<Ack> {
  static constexpr std::uint16_t number = 2;
  using List = FieldList<&Ack::sequence, &Ack::incarnation, &Ack::table_digest, &Ack::rumours,
                         &Ack::wall_micros>;
};
template <>
struct Fields<PingRequest> {
  static constexpr std::uint16_t number = 3;
  using List = FieldList<&PingRequest::sequence, &PingRequest::target, &PingRequest::incarnation,
                         &PingRequest::table_digest, &PingRequest::rumours>;
};
template <>
struct Fields<Nack> {
  static constexpr std::uint16_t number = 4;
  using List = FieldList<&Nack::sequence, &Nack::incarnation, &Nack::table_digest, &Nack::rumours>;
};
template <>
struct Fields<GossipPush> {
  static constexpr std::uint16_t number = 5;
  using List = FieldList<&GossipPush::is_summary, &GossipPush::answer_wanted,
                         &GossipPush::incarnation, &GossipPush::table_digest, &GossipPush::rumours>;
};
template <>
struct Fields<RecordOffer> {
  static constexpr std::uint16_t number = 6;
  using List = FieldList<&RecordOffer::digest, &RecordOffer::has_stamps,
                         &RecordOffer::settings_generation, &RecordOffer::settings_hash,
                         &RecordOffer::after, &RecordOffer::is_last, &RecordOffer::stamps>;
};
template <>
struct Fields<RecordPush> {
  static constexpr std::uint16_t number = 7;
  using List = FieldList<&RecordPush::settings, &RecordPush::records, &RecordPush::evictions,
                         &RecordPush::settings_wanted, &RecordPush::wanted, &RecordPush::is_news>;
};
template <>
struct Fields<Hello> {
  static constexpr std::uint16_t number = 8;
  using List = FieldList<&Hello::record, &Hello::nonce, &Hello::has_mesh>;
};
template <>
struct Fields<HelloAnswer> {
  static constexpr std::uint16_t number = 9;
  using List = FieldList<&HelloAnswer::record, &HelloAnswer::nonce, &HelloAnswer::has_mesh,
                         &HelloAnswer::signature>;
};
template <>
struct Fields<HelloProof> {
  static constexpr std::uint16_t number = 10;
  using List = FieldList<&HelloProof::signature>;
};
template <>
struct Fields<HelloRefused> {
  static constexpr std::uint16_t number = 11;
  using List = FieldList<&HelloRefused::reason>;
};
template <>
struct Fields<HelloWanted> {
  static constexpr std::uint16_t number = 12;
  using List = FieldList<>;
};
template <>
struct Fields<EvictionPrepare> {
  static constexpr std::uint16_t number = 13;
  using List = FieldList<&EvictionPrepare::epoch, &EvictionPrepare::ballot, &EvictionPrepare::lost,
                         &EvictionPrepare::electorates>;
};
template <>
struct Fields<EvictionPromise> {
  static constexpr std::uint16_t number = 14;
  using List = FieldList<&EvictionPromise::epoch, &EvictionPromise::ballot, &EvictionPromise::code,
                         &EvictionPromise::promised, &EvictionPromise::accepted,
                         &EvictionPromise::electorates>;
};
template <>
struct Fields<EvictionAccept> {
  static constexpr std::uint16_t number = 15;
  using List = FieldList<&EvictionAccept::epoch, &EvictionAccept::ballot, &EvictionAccept::targets,
                         &EvictionAccept::is_bound>;
};
template <>
struct Fields<EvictionAccepted> {
  static constexpr std::uint16_t number = 16;
  using List = FieldList<&EvictionAccepted::epoch, &EvictionAccepted::ballot,
                         &EvictionAccepted::code, &EvictionAccepted::promised>;
};

}  // namespace pixmesh
