#pragma once

#include <cstdint>

#include "processing/result_key.h"
#include "wire/field_list.h"
#include "wire/message.h"

// The values that messages and records are made of; fields.h has the rules and the messages.
namespace pixmesh {

template <typename T>
struct Fields;  // specialised for every struct that travels

template <typename T>
concept HasFields = requires {
  typename Fields<T>::List;
};

template <>
struct Fields<MediaFacts> {
  using List = FieldList<&MediaFacts::type, &MediaFacts::width, &MediaFacts::height>;
};
template <>
struct Fields<Version> {
  using List = FieldList<&Version::clock, &Version::writer>;
};
template <>
struct Fields<Tag> {
  using List = FieldList<&Tag::key, &Tag::value>;
};
template <>
struct Fields<ImageRecord> {
  using List = FieldList<&ImageRecord::name, &ImageRecord::version, &ImageRecord::digest,
                         &ImageRecord::size, &ImageRecord::media, &ImageRecord::checksums,
                         &ImageRecord::request, &ImageRecord::tags, &ImageRecord::tombstone>;
};
template <>
struct Fields<FormerSet> {
  using List = FieldList<&FormerSet::nodes, &FormerSet::write_quorum, &FormerSet::lost,
                         &FormerSet::awaits_evicted>;
};
template <>
struct Fields<HolderLists> {
  using List =
      FieldList<&HolderLists::settled, &HolderLists::number, &HolderLists::target,
                &HolderLists::lost, &HolderLists::awaits_evicted, &HolderLists::settled_quorum,
                &HolderLists::target_quorum, &HolderLists::earlier>;
};
template <>
struct Fields<HolderLife> {
  using List = FieldList<&HolderLife::node, &HolderLife::after>;
};
template <>
struct Fields<HolderSet> {
  using List = FieldList<&HolderSet::holders, &HolderSet::write_quorum>;
};
template <>
struct Fields<HolderSets> {
  using List = FieldList<&HolderSets::settled, &HolderSets::number, &HolderSets::target,
                         &HolderSets::earlier>;
};
template <>
struct Fields<HolderAddress> {
  using List = FieldList<&HolderAddress::node, &HolderAddress::control, &HolderAddress::bulk,
                         &HolderAddress::zone, &HolderAddress::alive>;
};
template <>
struct Fields<MembersAsked> {
  using List = FieldList<&MembersAsked::epoch, &MembersAsked::nodes>;
};
template <>
struct Fields<ListEntry> {
  using List =
      FieldList<&ListEntry::name, &ListEntry::version, &ListEntry::digest, &ListEntry::size,
                &ListEntry::media, &ListEntry::tags, &ListEntry::tombstone>;
};
template <>
struct Fields<RememberedWish> {
  using List = FieldList<&RememberedWish::request, &RememberedWish::version>;
};
template <>
struct Fields<Fingerprint> {
  using List = FieldList<&Fingerprint::partition, &Fingerprint::sum, &Fingerprint::lists>;
};
template <>
struct Fields<ListsAnnounced::Entry> {
  using List = FieldList<&ListsAnnounced::Entry::partition, &ListsAnnounced::Entry::number,
                         &ListsAnnounced::Entry::settled, &ListsAnnounced::Entry::target,
                         &ListsAnnounced::Entry::earlier>;
};
template <>
struct Fields<SyncConfirmed::Entry> {
  using List = FieldList<&SyncConfirmed::Entry::partition, &SyncConfirmed::Entry::number>;
};
template <>
struct Fields<CollectRequest::Entry> {
  using List = FieldList<&CollectRequest::Entry::partition, &CollectRequest::Entry::lists,
                         &CollectRequest::Entry::clock>;
};
template <>
struct Fields<MemberRecord> {
  using List =
      FieldList<&MemberRecord::mesh, &MemberRecord::node, &MemberRecord::signing_key,
                &MemberRecord::link_key, &MemberRecord::control_address,
                &MemberRecord::bulk_address, &MemberRecord::zone, &MemberRecord::weight,
                &MemberRecord::capacity_bytes, &MemberRecord::state, &MemberRecord::no_new_work,
                &MemberRecord::boot, &MemberRecord::format, &MemberRecord::generation,
                &MemberRecord::placement_generation, &MemberRecord::signature>;
};
template <>
struct Fields<MeshSettings> {
  using List =
      FieldList<&MeshSettings::mesh, &MeshSettings::partition_bits, &MeshSettings::placement_key,
                &MeshSettings::placement_version, &MeshSettings::replicas,
                &MeshSettings::write_quorum, &MeshSettings::weight_unit_bytes,
                &MeshSettings::generation, &MeshSettings::signer, &MeshSettings::signature>;
};
template <>
struct Fields<Eviction> {
  using List = FieldList<&Eviction::mesh, &Eviction::node, &Eviction::generation,
                         &Eviction::given_up, &Eviction::signer, &Eviction::signature>;
};
template <>
struct Fields<EvictionTarget> {
  using List = FieldList<&EvictionTarget::node, &EvictionTarget::generation>;
};
template <>
struct Fields<EvictionBallot> {
  using List = FieldList<&EvictionBallot::round, &EvictionBallot::proposer>;
};
template <>
struct Fields<AcceptedEviction> {
  using List =
      FieldList<&AcceptedEviction::epoch, &AcceptedEviction::ballot, &AcceptedEviction::targets>;
};
template <>
struct Fields<VoterState> {
  using List = FieldList<&VoterState::epoch, &VoterState::promised, &VoterState::accepted,
                         &VoterState::electorates, &VoterState::life>;
};
template <>
struct Fields<MemberStamp> {
  using List = FieldList<&MemberStamp::node, &MemberStamp::generation, &MemberStamp::short_hash,
                         &MemberStamp::evicted, &MemberStamp::given_up>;
};
template <>
struct Fields<LivenessRumour> {
  using List = FieldList<&LivenessRumour::node, &LivenessRumour::state,
                         &LivenessRumour::incarnation, &LivenessRumour::accuser>;
};
template <>
struct Fields<RunArgument> {
  using List = FieldList<&RunArgument::key, &RunArgument::value>;
};
template <>
struct Fields<RunStep> {
  using List = FieldList<&RunStep::recipe, &RunStep::arguments, &RunStep::recipe_digest>;
};
template <>
struct Fields<RunCandidate> {
  using List =
      FieldList<&RunCandidate::node, &RunCandidate::control, &RunCandidate::bulk,
                &RunCandidate::score_micros, &RunCandidate::wait_micros, &RunCandidate::run_micros,
                &RunCandidate::memory_bytes, &RunCandidate::memory_free,
                &RunCandidate::bytes_to_move, &RunCandidate::workers, &RunCandidate::moving_micros>;
  static constexpr std::size_t required = 4;
};
template <>
struct Fields<RunInput> {
  using List = FieldList<&RunInput::partition, &RunInput::digest, &RunInput::size, &RunInput::media,
                         &RunInput::checksums, &RunInput::sources, &RunInput::name>;
  static constexpr std::size_t required = 5;
};
template <>
struct Fields<MemberStatus> {
  using List =
      FieldList<&MemberStatus::node, &MemberStatus::control, &MemberStatus::bulk,
                &MemberStatus::zone, &MemberStatus::weight, &MemberStatus::state,
                &MemberStatus::life, &MemberStatus::no_new_work, &MemberStatus::target_slots_micro,
                &MemberStatus::slots, &MemberStatus::awaited_by, &MemberStatus::awaited_images>;
};
template <>
struct Fields<DiskStatus> {
  using List = FieldList<&DiskStatus::folder, &DiskStatus::state, &DiskStatus::free_bytes,
                         &DiskStatus::total_bytes, &DiskStatus::images, &DiskStatus::bytes,
                         &DiskStatus::damaged, &DiskStatus::found_damaged, &DiskStatus::scrubs,
                         &DiskStatus::scrub_permille, &DiskStatus::scrub_hurried>;
};
template <>
struct Fields<VoteStatus> {
  using List = FieldList<&VoteStatus::node, &VoteStatus::told, &VoteStatus::waits_for>;
};
template <>
struct Fields<SentStatus> {
  using List = FieldList<&SentStatus::membership, &SentStatus::repair, &SentStatus::other,
                         &SentStatus::messages>;
};
template <>
struct Fields<RunStatus> {
  using List =
      FieldList<&RunStatus::finished, &RunStatus::failed, &RunStatus::refused, &RunStatus::left,
                &RunStatus::cpu_micros, &RunStatus::p50_micros, &RunStatus::p95_micros,
                &RunStatus::stream_bytes_in, &RunStatus::stream_bytes_out>;
};
template <>
struct Fields<ClockStatus> {
  using List = FieldList<&ClockStatus::clocks, &ClockStatus::ahead_ms, &ClockStatus::behind_ms,
                         &ClockStatus::orders_writes>;
};
template <>
struct Fields<RepairStatus> {
  using List = FieldList<&RepairStatus::paused_seconds, &RepairStatus::rate, &RepairStatus::yields,
                         &RepairStatus::running, &RepairStatus::waiting, &RepairStatus::short_bytes,
                         &RepairStatus::to_copy_bytes, &RepairStatus::copied_bytes,
                         &RepairStatus::bytes_a_second, &RepairStatus::recovering,
                         &RepairStatus::recovering_bytes>;
};
template <>
struct Fields<ParameterStatus> {
  using List = FieldList<&ParameterStatus::name, &ParameterStatus::type, &ParameterStatus::range,
                         &ParameterStatus::default_value>;
};
template <>
struct Fields<RecipeStatus> {
  static constexpr std::size_t required = 9;
  using List = FieldList<&RecipeStatus::name, &RecipeStatus::summary, &RecipeStatus::available,
                         &RecipeStatus::digest, &RecipeStatus::output, &RecipeStatus::accepts,
                         &RecipeStatus::argv, &RecipeStatus::parameters, &RecipeStatus::limits,
                         &RecipeStatus::fingerprint, &RecipeStatus::engine,
                         &RecipeStatus::fast_shrink_on_load, &RecipeStatus::missing>;
};

template <>
struct Fields<CostPoint> {
  using List = FieldList<&CostPoint::pixels, &CostPoint::wall_micros, &CostPoint::cpu_micros,
                         &CostPoint::memory_bytes, &CostPoint::runs>;
};
template <>
struct Fields<RecipeCost> {
  static constexpr std::size_t required = 3;
  using List =
      FieldList<&RecipeCost::recipe, &RecipeCost::digest, &RecipeCost::points, &RecipeCost::way>;
};

template <>
struct Fields<ResultFacts> {
  using List =
      FieldList<&ResultFacts::key, &ResultFacts::source, &ResultFacts::recipe,
                &ResultFacts::recipe_digest, &ResultFacts::fingerprint, &ResultFacts::argv,
                &ResultFacts::node, &ResultFacts::made_at_micros, &ResultFacts::queued_micros,
                &ResultFacts::verify_micros, &ResultFacts::wall_micros, &ResultFacts::cpu_micros,
                &ResultFacts::memory_bytes, &ResultFacts::extension, &ResultFacts::names,
                &ResultFacts::more_names>;
  static constexpr std::size_t required = 14;
};
template <>
struct Fields<ResultsStatus> {
  using List = FieldList<&ResultsStatus::entries, &ResultsStatus::bytes, &ResultsStatus::quota,
                         &ResultsStatus::hits, &ResultsStatus::misses, &ResultsStatus::joined>;
};

}  // namespace pixmesh
