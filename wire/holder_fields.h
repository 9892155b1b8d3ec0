#pragma once

#include <cstdint>
#include <tuple>

#include "wire/message.h"
#include "wire/value_fields.h"

// Images, between holders: numbers 60 to 99. fields.h has the rules.
namespace pixmesh {

template <>
struct Fields<ListsRequest> {
  static constexpr std::uint16_t number = 60;
  static constexpr std::tuple list{&ListsRequest::operation, &ListsRequest::partition};
};
template <>
struct Fields<ListsAnswer> {
  static constexpr std::uint16_t number = 61;
  static constexpr std::tuple list{&ListsAnswer::operation, &ListsAnswer::partition,
                                   &ListsAnswer::lists};
};
template <>
struct Fields<VersionRequest> {
  static constexpr std::uint16_t number = 62;
  static constexpr std::tuple list{&VersionRequest::operation, &VersionRequest::partition,
                                   &VersionRequest::name, &VersionRequest::lists,
                                   &VersionRequest::request};
};
template <>
struct Fields<VersionAnswer> {
  static constexpr std::uint16_t number = 63;
  static constexpr std::tuple list{&VersionAnswer::operation, &VersionAnswer::code,
                                   &VersionAnswer::lists, &VersionAnswer::record,
                                   &VersionAnswer::request_version};
};
template <>
struct Fields<StoreOpen> {
  static constexpr std::uint16_t number = 64;
  static constexpr std::tuple list{&StoreOpen::operation, &StoreOpen::stream, &StoreOpen::partition,
                                   &StoreOpen::hash};
};
template <>
struct Fields<StoreReady> {
  static constexpr std::uint16_t number = 65;
  static constexpr std::tuple list{&StoreReady::operation, &StoreReady::code, &StoreReady::detail,
                                   &StoreReady::credit};
};
template <>
struct Fields<StoreFinished> {
  static constexpr std::uint16_t number = 66;
  static constexpr std::tuple list{&StoreFinished::operation, &StoreFinished::code,
                                   &StoreFinished::detail,    &StoreFinished::size,
                                   &StoreFinished::digest,    &StoreFinished::media};
};
template <>
struct Fields<CommitRequest> {
  static constexpr std::uint16_t number = 67;
  static constexpr std::tuple list{&CommitRequest::operation,       &CommitRequest::partition,
                                   &CommitRequest::record,          &CommitRequest::lists,
                                   &CommitRequest::stream,          &CommitRequest::sources,
                                   &CommitRequest::source_partition};
};
template <>
struct Fields<CommitAnswer> {
  static constexpr std::uint16_t number = 68;
  static constexpr std::tuple list{&CommitAnswer::operation, &CommitAnswer::code,
                                   &CommitAnswer::lists, &CommitAnswer::detail};
};
template <>
struct Fields<StoreDrop> {
  static constexpr std::uint16_t number = 69;
  static constexpr std::tuple list{&StoreDrop::stream};
};
template <>
struct Fields<InventoryRequest> {
  static constexpr std::uint16_t number = 70;
  static constexpr std::tuple list{&InventoryRequest::operation, &InventoryRequest::partition,
                                   &InventoryRequest::after};
};
template <>
struct Fields<InventoryAnswer> {
  static constexpr std::uint16_t number = 71;
  static constexpr std::tuple list{&InventoryAnswer::operation, &InventoryAnswer::code,
                                   &InventoryAnswer::records, &InventoryAnswer::complete};
};
template <>
struct Fields<FingerprintRequest> {
  static constexpr std::uint16_t number = 72;
  static constexpr std::tuple list{&FingerprintRequest::operation, &FingerprintRequest::mine,
                                   &FingerprintRequest::round};
};
template <>
struct Fields<FingerprintAnswer> {
  static constexpr std::uint16_t number = 73;
  static constexpr std::tuple list{&FingerprintAnswer::operation, &FingerprintAnswer::different,
                                   &FingerprintAnswer::round};
};
template <>
struct Fields<ListsAnnounced> {
  static constexpr std::uint16_t number = 74;
  static constexpr std::tuple list{&ListsAnnounced::epoch, &ListsAnnounced::sets,
                                   &ListsAnnounced::entries};
};
template <>
struct Fields<AnnounceNoted> {
  static constexpr std::uint16_t number = 75;
  static constexpr std::tuple list{&AnnounceNoted::epoch, &AnnounceNoted::partitions};
};
template <>
struct Fields<SyncConfirmed> {
  static constexpr std::uint16_t number = 76;
  static constexpr std::tuple list{&SyncConfirmed::epoch, &SyncConfirmed::entries};
};
template <>
struct Fields<Settle> {
  static constexpr std::uint16_t number = 77;
  static constexpr std::tuple list{&Settle::step, &Settle::epoch, &Settle::entries};
};
template <>
struct Fields<HintOffer> {
  static constexpr std::uint16_t number = 78;
  static constexpr std::tuple list{&HintOffer::partitions};
};
template <>
struct Fields<HintTaken> {
  static constexpr std::uint16_t number = 79;
  static constexpr std::tuple list{&HintTaken::partitions};
};

}  // namespace pixmesh
