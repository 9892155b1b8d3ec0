#pragma once

#include <cstdint>
#include <tuple>

#include "wire/message.h"

// The values that messages and records are made of; fields.h has the rules and the messages.
namespace pixmesh {

template <typename T>
struct Fields;  // specialised for every struct that travels

template <typename T>
concept HasFields = requires {
  Fields<T>::list;
};

template <>
struct Fields<MediaFacts> {
  static constexpr std::tuple list{&MediaFacts::type, &MediaFacts::width, &MediaFacts::height};
};
template <>
struct Fields<Version> {
  static constexpr std::tuple list{&Version::clock, &Version::writer};
};
template <>
struct Fields<Tag> {
  static constexpr std::tuple list{&Tag::key, &Tag::value};
};
template <>
struct Fields<ImageRecord> {
  static constexpr std::tuple list{
      &ImageRecord::name,    &ImageRecord::version, &ImageRecord::digest,
      &ImageRecord::size,    &ImageRecord::media,   &ImageRecord::checksums,
      &ImageRecord::request, &ImageRecord::tags,    &ImageRecord::tombstone};
};
template <>
struct Fields<HolderLists> {
  static constexpr std::tuple list{&HolderLists::settled, &HolderLists::number,
                                   &HolderLists::target, &HolderLists::lost};
};
template <>
struct Fields<HolderAddress> {
  static constexpr std::tuple list{&HolderAddress::node, &HolderAddress::control,
                                   &HolderAddress::bulk, &HolderAddress::zone,
                                   &HolderAddress::alive};
};
template <>
struct Fields<ListEntry> {
  static constexpr std::tuple list{&ListEntry::name,     &ListEntry::version, &ListEntry::digest,
                                   &ListEntry::size,     &ListEntry::media,   &ListEntry::tags,
                                   &ListEntry::tombstone};
};
template <>
struct Fields<Fingerprint> {
  static constexpr std::tuple list{&Fingerprint::partition, &Fingerprint::sum};
};
template <>
struct Fields<ListsAnnounced::Entry> {
  static constexpr std::tuple list{&ListsAnnounced::Entry::partition,
                                   &ListsAnnounced::Entry::number, &ListsAnnounced::Entry::settled,
                                   &ListsAnnounced::Entry::target, &ListsAnnounced::Entry::lost};
};
template <>
struct Fields<SyncConfirmed::Entry> {
  static constexpr std::tuple list{&SyncConfirmed::Entry::partition, &SyncConfirmed::Entry::number};
};
template <>
struct Fields<MemberRecord> {
  static constexpr std::tuple list{&MemberRecord::mesh,
                                   &MemberRecord::node,
                                   &MemberRecord::signing_key,
                                   &MemberRecord::link_key,
                                   &MemberRecord::control_address,
                                   &MemberRecord::bulk_address,
                                   &MemberRecord::zone,
                                   &MemberRecord::weight,
                                   &MemberRecord::capacity_bytes,
                                   &MemberRecord::state,
                                   &MemberRecord::no_new_work,
                                   &MemberRecord::boot,
                                   &MemberRecord::format,
                                   &MemberRecord::generation,
                                   &MemberRecord::placement_generation,
                                   &MemberRecord::signature};
};
template <>
struct Fields<MeshSettings> {
  static constexpr std::tuple list{&MeshSettings::mesh,
                                   &MeshSettings::partition_bits,
                                   &MeshSettings::placement_key,
                                   &MeshSettings::placement_version,
                                   &MeshSettings::replicas,
                                   &MeshSettings::write_quorum,
                                   &MeshSettings::weight_unit_bytes,
                                   &MeshSettings::generation,
                                   &MeshSettings::signer,
                                   &MeshSettings::signature};
};
template <>
struct Fields<Eviction> {
  static constexpr std::tuple list{&Eviction::mesh, &Eviction::node, &Eviction::generation,
                                   &Eviction::signer, &Eviction::signature};
};
template <>
struct Fields<MemberStamp> {
  static constexpr std::tuple list{&MemberStamp::node, &MemberStamp::generation,
                                   &MemberStamp::short_hash, &MemberStamp::evicted};
};
template <>
struct Fields<LivenessRumour> {
  static constexpr std::tuple list{&LivenessRumour::node, &LivenessRumour::state,
                                   &LivenessRumour::incarnation, &LivenessRumour::accuser};
};
template <>
struct Fields<RunArgument> {
  static constexpr std::tuple list{&RunArgument::key, &RunArgument::value};
};
template <>
struct Fields<RunCandidate> {
  static constexpr std::tuple list{&RunCandidate::node, &RunCandidate::control, &RunCandidate::bulk,
                                   &RunCandidate::score_micros};
};
template <>
struct Fields<RunInput> {
  static constexpr std::tuple list{&RunInput::partition, &RunInput::digest, &RunInput::size,
                                   &RunInput::media, &RunInput::checksums};
};
template <>
struct Fields<MemberStatus> {
  static constexpr std::tuple list{
      &MemberStatus::node, &MemberStatus::control,     &MemberStatus::bulk,
      &MemberStatus::zone, &MemberStatus::weight,      &MemberStatus::state,
      &MemberStatus::life, &MemberStatus::no_new_work, &MemberStatus::target_slots_micro,
      &MemberStatus::slots};
};
template <>
struct Fields<ParameterStatus> {
  static constexpr std::tuple list{&ParameterStatus::name, &ParameterStatus::type,
                                   &ParameterStatus::range, &ParameterStatus::default_value};
};
template <>
struct Fields<RecipeStatus> {
  static constexpr std::tuple list{
      &RecipeStatus::name,   &RecipeStatus::summary,    &RecipeStatus::available,
      &RecipeStatus::digest, &RecipeStatus::output,     &RecipeStatus::accepts,
      &RecipeStatus::argv,   &RecipeStatus::parameters, &RecipeStatus::limits};
};

}  // namespace pixmesh
