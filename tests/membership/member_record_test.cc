#include "membership/member_record.h"

#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "base/digest.h"

using namespace pixmesh;

namespace {

MemberRecord record_of(const SigningKey& key) {
  MemberRecord record;
  record.mesh.raw.fill(1);
  record.control_address = "10.0.0.1:7600";
  record.bulk_address = "10.0.0.1:8600";
  record.zone = "north";
  record.generation = 1;
  return sign_record(record, key);
}

}  // namespace

TEST_CASE("membership: a record is believed exactly as its node signed it") {
  const SigningKey key = signing_key_of({1});
  const MemberRecord record = record_of(key);
  CHECK(record.node == node_id_of(key.public_key));
  CHECK(verify_record(record));

  const std::vector<std::function<void(MemberRecord&)>> changes = {
      [](MemberRecord& one) { one.mesh.raw[0] ^= 1; },
      [](MemberRecord& one) { one.link_key[0] ^= 1; },
      [](MemberRecord& one) { one.control_address += "0"; },
      [](MemberRecord& one) { one.bulk_address = ""; },
      [](MemberRecord& one) { one.zone = "south"; },
      [](MemberRecord& one) { one.weight = 2; },
      [](MemberRecord& one) { one.capacity_bytes = 1; },
      [](MemberRecord& one) { one.state = MemberState::active; },
      [](MemberRecord& one) { one.no_new_work = true; },
      [](MemberRecord& one) { one.boot[15] = 9; },
      [](MemberRecord& one) { one.format = 2; },
      [](MemberRecord& one) { one.generation = 2; },
      [](MemberRecord& one) { one.placement_generation = 2; },
      [](MemberRecord& one) { one.signature[0] ^= 1; },
  };
  for (const auto& change : changes) {
    MemberRecord changed = record;
    change(changed);
    CHECK_FALSE(verify_record(changed));
    CHECK(record_hash(changed) != record_hash(record));
  }
}

TEST_CASE("membership: a record that another key signs for a node is refused") {
  MemberRecord record = record_of(signing_key_of({1}));
  MemberRecord forged = sign_record(record, signing_key_of({2}));
  forged.node = record.node;
  CHECK_FALSE(verify_record(forged));
}

TEST_CASE("membership: a record outside its ranges is refused though rightly signed") {
  const SigningKey key = signing_key_of({1});
  const std::vector<std::function<void(MemberRecord&)>> changes = {
      [](MemberRecord& one) { one.weight = 0; },
      [](MemberRecord& one) { one.weight = weight_max + 1; },
      [](MemberRecord& one) { one.generation = 0; },
      [](MemberRecord& one) { one.state = static_cast<MemberState>(4); },
      [](MemberRecord& one) { one.zone = std::string(zone_bytes_max + 1, 'z'); },
      [](MemberRecord& one) { one.control_address = std::string(address_bytes_max + 1, 'a'); },
      [](MemberRecord& one) { one.bulk_address = std::string(address_bytes_max + 1, 'a'); },
  };
  for (const auto& change : changes) {
    MemberRecord changed = record_of(key);
    change(changed);
    CHECK_FALSE(verify_record(sign_record(changed, key)));
  }
}
