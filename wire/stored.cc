#include "wire/stored.h"

#include "wire/codec.h"

namespace pixmesh {
namespace {

template <typename T>
Bytes encode_stored(const T& value) {
  codec::Packer out;
  out.list(2);
  out.number(format_version);
  codec::write(out, value);
  return std::move(out).take();
}

template <typename T>
Result<T> decode_stored(const char* what, ByteView bytes) {
  const auto decode = [](codec::Packed pair) {
    codec::need(pair.list_size() == 2);
    codec::need(pair.at(0).number(format_version) == format_version);
    T value;
    codec::read(pair.at(1), value);
    return value;
  };
  return codec::decode_with<T>(decode, what, bytes);
}

}  // namespace

Bytes encode_record(const ImageRecord& record) { return encode_stored(record); }
Result<ImageRecord> decode_record(ByteView bytes) {
  return decode_stored<ImageRecord>("image record", bytes);
}
Bytes encode_lists(const HolderLists& lists) { return encode_stored(lists); }
Result<HolderLists> decode_lists(ByteView bytes) {
  return decode_stored<HolderLists>("list of holders", bytes);
}
Bytes encode_sets(const HolderSets& sets) { return encode_stored(sets); }
Result<HolderSets> decode_sets(ByteView bytes) {
  return decode_stored<HolderSets>("sets of holders", bytes);
}
Bytes encode_member(const MemberRecord& record) { return encode_stored(record); }
Result<MemberRecord> decode_member(ByteView bytes) {
  return decode_stored<MemberRecord>("member record", bytes);
}
Bytes encode_settings(const MeshSettings& settings) { return encode_stored(settings); }
Result<MeshSettings> decode_settings(ByteView bytes) {
  return decode_stored<MeshSettings>("mesh settings", bytes);
}
Bytes encode_eviction(const Eviction& eviction) { return encode_stored(eviction); }
Result<Eviction> decode_eviction(ByteView bytes) {
  return decode_stored<Eviction>("eviction", bytes);
}
Bytes encode_voter_state(const VoterState& state) { return encode_stored(state); }
Result<VoterState> decode_voter_state(ByteView bytes) {
  return decode_stored<VoterState>("voter state", bytes);
}
Bytes encode_cost(const RecipeCost& cost) { return encode_stored(cost); }
Result<RecipeCost> decode_cost(ByteView bytes) {
  return decode_stored<RecipeCost>("cost of a recipe", bytes);
}
Bytes encode_result_facts(const ResultFacts& facts) { return encode_stored(facts); }
Bytes encode_why(const WhyAnswer& record) { return encode_stored(record); }
Result<WhyAnswer> decode_why(ByteView bytes) {
  return decode_stored<WhyAnswer>("record of a request", bytes);
}
Result<ResultFacts> decode_result_facts(ByteView bytes) {
  return decode_stored<ResultFacts>("facts of a result", bytes);
}

RecordCodec stored_codec() {
  return {encode_record, decode_record, encode_lists, decode_lists, encode_sets, decode_sets};
}

}  // namespace pixmesh
