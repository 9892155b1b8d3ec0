#include "membership/member_record.h"

#include <utility>

#include "base/bytes.h"
#include "base/digest.h"

namespace pixmesh {
namespace {

CanonicalBytes signed_part_of(const MemberRecord& record) {
  CanonicalBytes bytes;
  bytes.text("pixmesh member record").u32(record.format);
  bytes.raw(record.mesh.raw).raw(record.node.raw);
  bytes.raw(record.signing_key).raw(record.link_key);
  bytes.text(record.control_address).text(record.bulk_address).text(record.zone);
  bytes.u32(record.weight).u64(record.capacity_bytes);
  bytes.u8(static_cast<std::uint8_t>(record.state)).u8(record.no_new_work ? 1 : 0);
  bytes.raw(record.boot).u64(record.generation).u64(record.placement_generation);
  return bytes;
}

bool in_range(const MemberRecord& record) {
  return record.control_address.size() <= address_bytes_max &&
         record.bulk_address.size() <= address_bytes_max && record.zone.size() <= zone_bytes_max &&
         record.weight >= 1 && record.weight <= weight_max && record.state <= MemberState::left &&
         record.generation >= 1;
}

}  // namespace

std::string_view text_of(MemberState state) {
  switch (state) {
    case MemberState::joining:
      return "joining";
    case MemberState::active:
      return "active";
    case MemberState::leaving:
      return "leaving";
    case MemberState::left:
      return "left";
  }
  return "unknown";
}

MemberRecord sign_record(MemberRecord record, const SigningKey& key) {
  record.signing_key = key.public_key;
  record.node = node_id_of(key.public_key);
  record.signature = sign(key, signed_part_of(record).bytes());
  return record;
}

bool verify_record(const MemberRecord& record) {
  return in_range(record) && record.node == node_id_of(record.signing_key) &&
         verify(record.signing_key, signed_part_of(record).bytes(), record.signature);
}

Digest record_hash(const MemberRecord& record) {
  CanonicalBytes bytes = signed_part_of(record);
  bytes.raw(record.signature);
  return digest_of(bytes.bytes());
}

Digest placement_hash(const MemberRecord& record) {
  CanonicalBytes bytes;
  bytes.text("pixmesh placement of a member").raw(record.node.raw);
  bytes.u64(record.placement_generation).u32(record.weight).text(record.zone);
  bytes.u8(static_cast<std::uint8_t>(record.state));
  return digest_of(bytes.bytes());
}

}  // namespace pixmesh
