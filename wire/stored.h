#pragma once

#include "base/result.h"
#include "membership/eviction.h"
#include "membership/eviction_messages.h"
#include "membership/member_record.h"
#include "membership/mesh_settings.h"
#include "processing/cost_model.h"
#include "processing/result_key.h"
#include "replication/record.h"
#include "replication/store_record.h"
#include "wire/why_messages.h"

// Values as they lie on disk: the same encoding as on the wire, with the format number in front.
namespace pixmesh {

[[nodiscard]] Bytes encode_record(const ImageRecord& record);
[[nodiscard]] Result<ImageRecord> decode_record(ByteView bytes);
[[nodiscard]] Bytes encode_lists(const HolderLists& lists);
[[nodiscard]] Result<HolderLists> decode_lists(ByteView bytes);
[[nodiscard]] Bytes encode_sets(const HolderSets& sets);
[[nodiscard]] Result<HolderSets> decode_sets(ByteView bytes);
[[nodiscard]] Bytes encode_member(const MemberRecord& record);
[[nodiscard]] Result<MemberRecord> decode_member(ByteView bytes);
[[nodiscard]] Bytes encode_settings(const MeshSettings& settings);
[[nodiscard]] Result<MeshSettings> decode_settings(ByteView bytes);
[[nodiscard]] Bytes encode_eviction(const Eviction& eviction);
[[nodiscard]] Result<Eviction> decode_eviction(ByteView bytes);
[[nodiscard]] Bytes encode_voter_state(const VoterState& state);
[[nodiscard]] Result<VoterState> decode_voter_state(ByteView bytes);
[[nodiscard]] Bytes encode_cost(const RecipeCost& cost);
[[nodiscard]] Result<RecipeCost> decode_cost(ByteView bytes);
[[nodiscard]] Bytes encode_result_facts(const ResultFacts& facts);
[[nodiscard]] Result<ResultFacts> decode_result_facts(ByteView bytes);

[[nodiscard]] Bytes encode_why(const WhyAnswer& record);
[[nodiscard]] Result<WhyAnswer> decode_why(ByteView bytes);

/// The functions replication needs to lay records and lists on a disk.
[[nodiscard]] RecordCodec stored_codec();

}  // namespace pixmesh
