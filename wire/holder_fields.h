#pragma once

#include <cstdint>

#include "wire/message.h"
#include "wire/value_fields.h"

// Images, between holders: numbers 60 to 99. fields.h has the rules.
namespace pixmesh {

template <>
struct Fields<ListsRequest> {
  static constexpr std::uint16_t number = 60;
  using List = FieldList<&ListsRequest::operation, &ListsRequest::partition>;
};
template <>
struct Fields<ListsAnswer> {
  static constexpr std::uint16_t number = 61;
  using List = FieldList<&ListsAnswer::operation, &ListsAnswer::partition, &ListsAnswer::lists,
                         &ListsAnswer::epoch>;
};
template <>
struct Fields<VersionRequest> {
  static constexpr std::uint16_t number = 62;
  static constexpr std::size_t required = 5;
  using List = FieldList<&VersionRequest::operation, &VersionRequest::partition,
                         &VersionRequest::name, &VersionRequest::lists, &VersionRequest::request,
                         &VersionRequest::round, &VersionRequest::version>;
};
template <>
struct Fields<VersionAnswer> {
  static constexpr std::uint16_t number = 63;
  static constexpr std::size_t required = 6;
  using List = FieldList<&VersionAnswer::operation, &VersionAnswer::code, &VersionAnswer::lists,
                         &VersionAnswer::record, &VersionAnswer::request_version,
                         &VersionAnswer::collected, &VersionAnswer::round, &VersionAnswer::floor>;
};
template <>
struct Fields<StoreOpen> {
  static constexpr std::uint16_t number = 64;
  using List =
      FieldList<&StoreOpen::operation, &StoreOpen::stream, &StoreOpen::partition, &StoreOpen::size>;
};
template <>
struct Fields<StoreReady> {
  static constexpr std::uint16_t number = 65;
  using List = FieldList<&StoreReady::operation, &StoreReady::code, &StoreReady::detail,
                         &StoreReady::credit>;
};
template <>
struct Fields<StoreFinished> {
  static constexpr std::uint16_t number = 66;
  using List = FieldList<&StoreFinished::operation, &StoreFinished::code, &StoreFinished::detail,
                         &StoreFinished::size, &StoreFinished::digest, &StoreFinished::media>;
};
template <>
struct Fields<CommitRequest> {
  static constexpr std::uint16_t number = 67;
  static constexpr std::size_t required = 8;
  using List = FieldList<&CommitRequest::operation, &CommitRequest::partition,
                         &CommitRequest::record, &CommitRequest::lists, &CommitRequest::stream,
                         &CommitRequest::sources, &CommitRequest::source_partition,
                         &CommitRequest::first_at_micros, &CommitRequest::overtaken>;
};
template <>
struct Fields<CommitAnswer> {
  static constexpr std::uint16_t number = 68;
  using List = FieldList<&CommitAnswer::operation, &CommitAnswer::code, &CommitAnswer::lists,
                         &CommitAnswer::detail>;
};
template <>
struct Fields<StoreDrop> {
  static constexpr std::uint16_t number = 69;
  using List = FieldList<&StoreDrop::stream>;
};
template <>
struct Fields<InventoryRequest> {
  static constexpr std::uint16_t number = 70;
  using List = FieldList<&InventoryRequest::operation, &InventoryRequest::partition,
                         &InventoryRequest::after, &InventoryRequest::lists>;
};
template <>
struct Fields<InventoryAnswer> {
  static constexpr std::uint16_t number = 71;
  using List =
      FieldList<&InventoryAnswer::operation, &InventoryAnswer::code, &InventoryAnswer::records,
                &InventoryAnswer::complete, &InventoryAnswer::recovering, &InventoryAnswer::joining,
                &InventoryAnswer::collected>;
};
template <>
struct Fields<WishesRequest> {
  static constexpr std::uint16_t number = 80;
  using List =
      FieldList<&WishesRequest::operation, &WishesRequest::partition, &WishesRequest::after>;
};
template <>
struct Fields<WishesAnswer> {
  static constexpr std::uint16_t number = 81;
  using List = FieldList<&WishesAnswer::operation, &WishesAnswer::code, &WishesAnswer::wishes,
                         &WishesAnswer::complete>;
};
template <>
struct Fields<FingerprintRequest> {
  static constexpr std::uint16_t number = 72;
  using List = FieldList<&FingerprintRequest::operation, &FingerprintRequest::mine,
                         &FingerprintRequest::round, &FingerprintRequest::blocks>;
};
template <>
struct Fields<FingerprintAnswer> {
  static constexpr std::uint16_t number = 73;
  using List = FieldList<&FingerprintAnswer::operation, &FingerprintAnswer::different,
                         &FingerprintAnswer::round, &FingerprintAnswer::blocks>;
};
template <>
struct Fields<ListsAnnounced> {
  static constexpr std::uint16_t number = 74;
  using List = FieldList<&ListsAnnounced::epoch, &ListsAnnounced::sets, &ListsAnnounced::entries,
                         &ListsAnnounced::round>;
};
template <>
struct Fields<AnnounceNoted> {
  static constexpr std::uint16_t number = 75;
  static constexpr std::size_t required = 3;
  using List = FieldList<&AnnounceNoted::epoch, &AnnounceNoted::partitions, &AnnounceNoted::round,
                         &AnnounceNoted::without_lists>;
};
template <>
struct Fields<SyncConfirmed> {
  static constexpr std::uint16_t number = 76;
  using List = FieldList<&SyncConfirmed::epoch, &SyncConfirmed::entries>;
};
template <>
struct Fields<Settle> {
  static constexpr std::uint16_t number = 77;
  using List = FieldList<&Settle::step, &Settle::epoch, &Settle::entries>;
};
template <>
struct Fields<HintOffer> {
  static constexpr std::uint16_t number = 78;
  using List = FieldList<&HintOffer::epoch, &HintOffer::partitions, &HintOffer::round>;
};
template <>
struct Fields<HintTaken> {
  static constexpr std::uint16_t number = 79;
  using List = FieldList<&HintTaken::partitions, &HintTaken::round>;
};
template <>
struct Fields<CollectRequest> {
  static constexpr std::uint16_t number = 82;
  using List =
      FieldList<&CollectRequest::operation, &CollectRequest::step, &CollectRequest::entries>;
};
template <>
struct Fields<CollectAnswer> {
  static constexpr std::uint16_t number = 83;
  using List = FieldList<&CollectAnswer::operation, &CollectAnswer::partitions>;
};

}  // namespace pixmesh
