#pragma once

#include <cstdint>
#include <tuple>

#include "wire/message.h"
#include "wire/value_fields.h"

// Which fields of a struct travel, in which order. Append only: a reader takes the fields it knows
// and ignores further ones. A field that is added after a release comes with `required`, the count
// before it: what an older writer left out keeps its default. `number` is the message's type on the
// wire and is never used again.
namespace pixmesh {

// --- Membership: 1 … ---------------------------------------------------------------------------

template <>
struct Fields<Ping> {
  static constexpr std::uint16_t number = 1;
  static constexpr std::tuple list{&Ping::sequence, &Ping::incarnation, &Ping::table_digest,
                                   &Ping::rumours};
};
template <>
struct Fields<Ack> {
  static constexpr std::uint16_t number = 2;
  static constexpr std::tuple list{&Ack::sequence, &Ack::incarnation, &Ack::table_digest,
                                   &Ack::rumours};
};
template <>
struct Fields<PingRequest> {
  static constexpr std::uint16_t number = 3;
  static constexpr std::tuple list{&PingRequest::sequence, &PingRequest::target,
                                   &PingRequest::incarnation, &PingRequest::table_digest,
                                   &PingRequest::rumours};
};
template <>
struct Fields<Nack> {
  static constexpr std::uint16_t number = 4;
  static constexpr std::tuple list{&Nack::sequence, &Nack::incarnation, &Nack::table_digest,
                                   &Nack::rumours};
};
template <>
struct Fields<GossipPush> {
  static constexpr std::uint16_t number = 5;
  static constexpr std::tuple list{&GossipPush::is_summary, &GossipPush::answer_wanted,
                                   &GossipPush::incarnation, &GossipPush::table_digest,
                                   &GossipPush::rumours};
};
template <>
struct Fields<RecordOffer> {
  static constexpr std::uint16_t number = 6;
  static constexpr std::tuple list{
      &RecordOffer::digest,        &RecordOffer::has_stamps, &RecordOffer::settings_generation,
      &RecordOffer::settings_hash, &RecordOffer::after,      &RecordOffer::is_last,
      &RecordOffer::stamps};
};
template <>
struct Fields<RecordPush> {
  static constexpr std::uint16_t number = 7;
  static constexpr std::tuple list{&RecordPush::settings,  &RecordPush::records,
                                   &RecordPush::evictions, &RecordPush::settings_wanted,
                                   &RecordPush::wanted,    &RecordPush::is_news};
};
template <>
struct Fields<Hello> {
  static constexpr std::uint16_t number = 8;
  static constexpr std::tuple list{&Hello::record, &Hello::nonce, &Hello::has_mesh};
};
template <>
struct Fields<HelloAnswer> {
  static constexpr std::uint16_t number = 9;
  static constexpr std::tuple list{&HelloAnswer::record, &HelloAnswer::nonce,
                                   &HelloAnswer::has_mesh, &HelloAnswer::signature};
};
template <>
struct Fields<HelloProof> {
  static constexpr std::uint16_t number = 10;
  static constexpr std::tuple list{&HelloProof::signature};
};
template <>
struct Fields<HelloRefused> {
  static constexpr std::uint16_t number = 11;
  static constexpr std::tuple list{&HelloRefused::reason};
};
template <>
struct Fields<HelloWanted> {
  static constexpr std::uint16_t number = 12;
  static constexpr std::tuple<> list{};
};

// --- Images, a client's wishes: 30 … -----------------------------------------------------------

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

// --- Images, between holders: 60 … -------------------------------------------------------------

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

// --- Runs: 100 … -------------------------------------------------------------------------------

template <>
struct Fields<ProbeLoad> {
  static constexpr std::uint16_t number = 100;
  static constexpr std::tuple list{&ProbeLoad::operation, &ProbeLoad::request, &ProbeLoad::recipe,
                                   &ProbeLoad::recipe_digest};
};
template <>
struct Fields<LoadAnswer> {
  static constexpr std::uint16_t number = 101;
  static constexpr std::tuple list{&LoadAnswer::operation,    &LoadAnswer::has_recipe,
                                   &LoadAnswer::accepts_work, &LoadAnswer::running,
                                   &LoadAnswer::queued,       &LoadAnswer::announced,
                                   &LoadAnswer::workers,      &LoadAnswer::service_micros};
};
template <>
struct Fields<ReleaseLoad> {
  static constexpr std::uint16_t number = 102;
  static constexpr std::tuple list{&ReleaseLoad::request};
};
template <>
struct Fields<RunRequest> {
  static constexpr std::uint16_t number = 103;
  static constexpr std::tuple list{&RunRequest::operation, &RunRequest::request,
                                   &RunRequest::name,      &RunRequest::recipe,
                                   &RunRequest::arguments, &RunRequest::strict};
};
template <>
struct Fields<RunCandidates> {
  static constexpr std::uint16_t number = 104;
  static constexpr std::tuple list{
      &RunCandidates::operation,  &RunCandidates::code,  &RunCandidates::detail,
      &RunCandidates::confirmed,  &RunCandidates::input, &RunCandidates::recipe_digest,
      &RunCandidates::candidates, &RunCandidates::argv,  &RunCandidates::retry_after_ms};
};
template <>
struct Fields<RunStart> {
  static constexpr std::uint16_t number = 105;
  static constexpr std::tuple list{
      &RunStart::operation,     &RunStart::request,   &RunStart::input,      &RunStart::recipe,
      &RunStart::recipe_digest, &RunStart::arguments, &RunStart::deadline_ms};
};
template <>
struct Fields<RunAccepted> {
  static constexpr std::uint16_t number = 106;
  static constexpr std::tuple list{&RunAccepted::operation, &RunAccepted::position};
};
template <>
struct Fields<RunDone> {
  static constexpr std::uint16_t number = 107;
  static constexpr std::tuple list{
      &RunDone::operation,   &RunDone::code,       &RunDone::detail,
      &RunDone::output_size, &RunDone::extension,  &RunDone::queued_micros,
      &RunDone::wall_micros, &RunDone::cpu_micros, &RunDone::retry_after_ms};
};
template <>
struct Fields<RunAlive> {
  static constexpr std::uint16_t number = 108;
  static constexpr std::tuple list{&RunAlive::request};
};
template <>
struct Fields<RunCancel> {
  static constexpr std::uint16_t number = 109;
  static constexpr std::tuple list{&RunCancel::request};
};

// --- Operators: 130 … --------------------------------------------------------------------------

template <>
struct Fields<StatusRequest> {
  static constexpr std::uint16_t number = 130;
  static constexpr std::tuple list{&StatusRequest::operation};
};
template <>
struct Fields<StatusAnswer> {
  static constexpr std::uint16_t number = 131;
  static constexpr std::tuple list{&StatusAnswer::operation,
                                   &StatusAnswer::node,
                                   &StatusAnswer::mesh,
                                   &StatusAnswer::version,
                                   &StatusAnswer::epoch,
                                   &StatusAnswer::partition_bits,
                                   &StatusAnswer::replicas,
                                   &StatusAnswer::write_quorum,
                                   &StatusAnswer::uptime_seconds,
                                   &StatusAnswer::images,
                                   &StatusAnswer::bytes,
                                   &StatusAnswer::disk_free_bytes,
                                   &StatusAnswer::disk_total_bytes,
                                   &StatusAnswer::unsettled,
                                   &StatusAnswer::to_sync,
                                   &StatusAnswer::moved_bytes,
                                   &StatusAnswer::moved_files,
                                   &StatusAnswer::under_replicated,
                                   &StatusAnswer::hints,
                                   &StatusAnswer::frozen,
                                   &StatusAnswer::workers,
                                   &StatusAnswer::running,
                                   &StatusAnswer::queued,
                                   &StatusAnswer::dropped_messages,
                                   &StatusAnswer::malformed_messages,
                                   &StatusAnswer::members,
                                   &StatusAnswer::waits_for,
                                   &StatusAnswer::planned_slots,
                                   &StatusAnswer::ideal_slots};
};
template <>
struct Fields<RecipesRequest> {
  static constexpr std::uint16_t number = 132;
  static constexpr std::tuple list{&RecipesRequest::operation};
};
template <>
struct Fields<RecipesAnswer> {
  static constexpr std::uint16_t number = 133;
  static constexpr std::tuple list{&RecipesAnswer::operation, &RecipesAnswer::recipes};
};
template <>
struct Fields<CommandRequest> {
  static constexpr std::uint16_t number = 134;
  static constexpr std::tuple list{&CommandRequest::operation, &CommandRequest::command,
                                   &CommandRequest::target, &CommandRequest::force,
                                   &CommandRequest::accept_fewer_copies};
};
template <>
struct Fields<CommandAnswer> {
  static constexpr std::uint16_t number = 135;
  static constexpr std::tuple list{&CommandAnswer::operation, &CommandAnswer::code,
                                   &CommandAnswer::detail};
};
template <>
struct Fields<AliveRequest> {
  static constexpr std::uint16_t number = 136;
  static constexpr std::tuple list{&AliveRequest::operation};
};
template <>
struct Fields<AliveAnswer> {
  static constexpr std::uint16_t number = 137;
  static constexpr std::tuple list{&AliveAnswer::operation};
};

// --- The bulk plane: 200 … ---------------------------------------------------------------------

template <>
struct Fields<StreamChunk> {
  static constexpr std::uint16_t number = 200;
  static constexpr std::tuple list{&StreamChunk::stream, &StreamChunk::index, &StreamChunk::last};
};
template <>
struct Fields<StreamCredit> {
  static constexpr std::uint16_t number = 201;
  static constexpr std::tuple list{&StreamCredit::stream, &StreamCredit::count};
};
template <>
struct Fields<StreamOpen> {
  static constexpr std::uint16_t number = 202;
  static constexpr std::tuple list{
      &StreamOpen::stream,    &StreamOpen::credit,    &StreamOpen::run,
      &StreamOpen::partition, &StreamOpen::digest,    &StreamOpen::media,
      &StreamOpen::size,      &StreamOpen::checksums, &StreamOpen::first_chunk};
};
template <>
struct Fields<StreamEnd> {
  static constexpr std::uint16_t number = 203;
  static constexpr std::tuple list{&StreamEnd::stream, &StreamEnd::code, &StreamEnd::detail};
};

}  // namespace pixmesh
