#include "node/stored_rules.h"

#include <optional>

#include "base/digest.h"
#include "ring/partition.h"
#include "wire/stored.h"

namespace pixmesh {

Admission admit_stored(ByteView stored, ByteView incoming, ByteView lists, ByteView fence,
                       ByteView collected) {
  const Admission refused{static_cast<std::uint8_t>(CommitCode::failed), false, {}};
  const auto next = decode_record(incoming);
  if (!next) return refused;
  std::optional<Version> before;
  if (!stored.empty()) {
    const auto record = decode_record(stored);
    if (!record) return refused;
    before = record->version;
  }
  const auto lists_of = [](ByteView bytes) -> std::optional<HolderLists> {
    if (bytes.empty()) return std::nullopt;
    auto decoded = decode_lists(bytes);
    return decoded ? decoded.value() : HolderLists{};
  };
  const CommitCode code =
      admit(before, next->version, lists_of(lists), lists_of(fence), number_in_row(collected));
  Admission admission{static_cast<std::uint8_t>(code), code == CommitCode::stored, {}};
  if (code == CommitCode::stale) admission.current.assign(lists.begin(), lists.end());
  return admission;
}

Result<RecordPlace> place_stored(ByteView record, std::uint64_t placement_key,
                                 std::uint32_t partition_bits) {
  const auto image = decode_record(record);
  if (!image) return image.error();
  RecordPlace place;
  place.partition = partition_of(image->name, placement_key, partition_bits);
  place.name_digest = name_digest_of(image->name);
  place.name = image->name;
  place.digest = image->digest;
  place.size = image->size;
  place.record_path = record_path(place.partition, place.name_digest);
  if (!image->tombstone) place.blob_path = blob_path(image->digest, image->media);
  return place;
}

}  // namespace pixmesh
