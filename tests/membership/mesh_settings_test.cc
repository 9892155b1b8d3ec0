#include "membership/mesh_settings.h"

#include <doctest/doctest.h>

#include "membership/eviction.h"

using namespace pixmesh;

namespace {

MeshSettings settings_with(std::uint32_t bits, std::uint32_t replicas, std::uint32_t quorum) {
  MeshSettings settings;
  settings.partition_bits = bits;
  settings.replicas = replicas;
  settings.write_quorum = quorum;
  settings.generation = 1;
  return settings;
}

}  // namespace

TEST_CASE("membership: settings are valid when two write quorums always meet") {
  for (std::uint32_t replicas = 1; replicas <= 8; ++replicas) {
    for (std::uint32_t quorum = 0; quorum <= 9; ++quorum) {
      const bool meets = 2 * quorum > replicas && quorum <= replicas;
      CHECK(check_settings(settings_with(12, replicas, quorum)).has_value() == meets);
    }
  }
  CHECK_FALSE(check_settings(settings_with(12, 9, 5)));
  CHECK_FALSE(check_settings(settings_with(5, 3, 2)));
  CHECK_FALSE(check_settings(settings_with(17, 3, 2)));
  CHECK(check_settings(settings_with(6, 3, 2)).has_value());
  CHECK(check_settings(settings_with(16, 3, 2)).has_value());
}

TEST_CASE("membership: settings are believed exactly as signed") {
  const MeshSettings settings = sign_settings(settings_with(12, 3, 2), signing_key_of({1}));
  CHECK(verify_settings(settings));
  MeshSettings changed = settings;
  changed.placement_key = 1;
  CHECK_FALSE(verify_settings(changed));
}

TEST_CASE("membership: of two settings exactly one is the newer") {
  MeshSettings low = sign_settings(settings_with(12, 3, 2), signing_key_of({1}));
  MeshSettings high = low;
  high.generation = 2;
  CHECK(newer(high, low));
  CHECK_FALSE(newer(low, high));

  const MeshSettings tied = sign_settings(settings_with(12, 5, 3), signing_key_of({2}));
  CHECK(newer(tied, low) != newer(low, tied));
  CHECK_FALSE(newer(low, low));
}

TEST_CASE("membership: a read quorum meets every write quorum, in small meshes too") {
  for (std::uint32_t replicas = 1; replicas <= 8; ++replicas) {
    for (std::uint32_t active = 1; active <= 10; ++active) {
      const std::uint32_t quorum = replicas / 2 + 1;
      const std::uint32_t r = effective_replicas(replicas, active);
      const std::uint32_t w = effective_write_quorum(quorum, r);
      CHECK(r <= active);
      CHECK(w >= 1);
      CHECK(read_quorum(r, w) + w > r);
      CHECK(read_quorum(r, w) <= r);
    }
  }
}

TEST_CASE("membership: an eviction is one fact whoever tells it") {
  Eviction eviction;
  eviction.node.raw.fill(3);
  eviction.generation = 5;
  const Eviction first_told = sign_eviction(eviction, signing_key_of({1}));
  const Eviction second_told = sign_eviction(eviction, signing_key_of({2}));

  CHECK(verify_eviction(first_told));
  CHECK(eviction_hash(first_told) == eviction_hash(second_told));
  Eviction changed = first_told;
  changed.generation = 6;
  CHECK_FALSE(verify_eviction(changed));
  CHECK(eviction_hash(changed) != eviction_hash(first_told));
}
