#include "membership/member_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/rng.h"
#include "sample_mesh.h"

using namespace pixmesh;

namespace {

using Fact = std::variant<MeshSettings, MemberRecord, Eviction>;

MergeOutcome put(MemberTable& table, const Fact& fact) {
  return std::visit([&](const auto& any) { return table.merge(any).outcome; }, fact);
}

/// The table of node 1 in a mesh that node 1 founded.
MemberTable own_table() {
  MemberTable table(id_of(1));
  CHECK(put(table, sample_settings(1)) == MergeOutcome::adopted);
  table.set_own(sample_record(1));
  return table;
}

}  // namespace

TEST_CASE("membership: tables that heard the same facts are equal whatever the order") {
  std::vector<Fact> facts = {sample_record(2),
                             sample_record(3),
                             sample_record(4, 1, MemberState::joining),
                             sample_record(2, 3, MemberState::active, 7),
                             sample_record(2, 3, MemberState::active, 8),
                             sample_record(3, 2, MemberState::leaving),
                             sample_eviction(4, 1, 1),
                             sample_eviction(4, 2, 1),
                             sample_record(4, 3),
                             sample_eviction(3, 2, 1),
                             sample_settings(1, 2),
                             sample_settings(1, 3)};
  MemberTable first = own_table();
  for (const Fact& fact : facts) (void)put(first, fact);
  Rng rng(5);
  for (int round = 0; round < 30; ++round) {
    for (std::size_t i = facts.size(); i > 1; --i) std::swap(facts[i - 1], facts[rng.below(i)]);

    MemberTable table = own_table();
    for (const Fact& fact : facts) (void)put(table, fact);

    CHECK(table.table_digest() == first.table_digest());
    CHECK(table.epoch() == first.epoch());
    CHECK(table.stamps({}, 100) == first.stamps({}, 100));
    table.check_invariants();
  }
  CHECK(first.find(id_of(2))->generation == 3);
  CHECK(first.active().size() == 3);  // 1, 2 and 4 that came back; 3 is evicted
  CHECK(first.settings()->generation == 3);
}

TEST_CASE("membership: equal generations are decided by the greater record hash") {
  const MemberRecord a = sample_record(2, 1, MemberState::active, 5);
  const MemberRecord b = sample_record(2, 1, MemberState::active, 6);
  const MemberRecord& winner = record_hash(a) > record_hash(b) ? a : b;
  const MemberRecord& loser = record_hash(a) > record_hash(b) ? b : a;
  MemberTable table = own_table();

  CHECK(put(table, loser) == MergeOutcome::adopted);
  CHECK(put(table, winner) == MergeOutcome::adopted);
  CHECK(put(table, loser) == MergeOutcome::ignored);
  CHECK(put(table, winner) == MergeOutcome::ignored);
  CHECK(*table.find(winner.node) == winner);
}

TEST_CASE("membership: the epoch changes with placement and with nothing else") {
  MemberTable table = own_table();
  const Epoch alone = table.epoch();
  CHECK(put(table, sample_record(2, 1, MemberState::joining)) == MergeOutcome::adopted);
  CHECK(table.epoch() == alone);

  CHECK(put(table, sample_record(2, 2)) == MergeOutcome::adopted);
  const Epoch with_two = table.epoch();
  CHECK(with_two != alone);

  MemberRecord drained = *table.find(id_of(2));
  drained.no_new_work = true;
  drained.boot.fill(9);
  ++drained.generation;
  const TableDigest digest = table.table_digest();
  CHECK(put(table, sign_record(drained, key_of(2))) == MergeOutcome::adopted);
  CHECK(table.epoch() == with_two);
  CHECK(table.table_digest() != digest);

  CHECK(put(table, sample_eviction(2, 3, 1)) == MergeOutcome::adopted);
  CHECK(table.epoch() != with_two);
  CHECK(table.epoch() != alone);
  CHECK(put(table, sample_settings(1, 2)) == MergeOutcome::adopted);
  table.check_invariants();
}

TEST_CASE("membership: the height grows with the epoch and is the same where the epoch is") {
  MemberTable table = own_table();
  std::uint64_t height = table.height();
  const auto grows = [&] { return table.height() > std::exchange(height, table.height()); };
  CHECK(put(table, sample_record(2, 1, MemberState::joining)) == MergeOutcome::adopted);
  CHECK_FALSE(grows());

  CHECK(put(table, sample_record(2, 3)) == MergeOutcome::adopted);
  CHECK(grows());
  CHECK(put(table, sample_eviction(2, 5, 1)) == MergeOutcome::adopted);
  CHECK(grows());
  CHECK(put(table, sample_record(2, 4)) == MergeOutcome::adopted);  // hidden: the epoch stays
  CHECK_FALSE(grows());
  CHECK(put(table, sample_record(2, 6)) == MergeOutcome::adopted);
  CHECK(grows());
  CHECK(put(table, sample_eviction(2, 6, 1)) == MergeOutcome::adopted);
  CHECK(grows());
}

TEST_CASE("membership: an eviction hides a member until it signs a higher generation") {
  MemberTable table = own_table();
  CHECK(put(table, sample_record(2, 4)) == MergeOutcome::adopted);
  CHECK(put(table, sample_eviction(2, 4, 1)) == MergeOutcome::adopted);
  CHECK(table.is_evicted(id_of(2)));
  CHECK(table.active().size() == 1);
  CHECK(table.present().size() == 1);

  CHECK(put(table, sample_record(2, 4)) == MergeOutcome::ignored);
  CHECK(table.is_evicted(id_of(2)));

  CHECK(put(table, sample_record(2, 5)) == MergeOutcome::adopted);
  CHECK_FALSE(table.is_evicted(id_of(2)));
  CHECK(table.active().size() == 2);
  CHECK(table.eviction_of(id_of(2)) != nullptr);
}

TEST_CASE("membership: facts of another mesh or with wrong signatures change nothing") {
  MemberTable table = own_table();
  const TableDigest before = table.table_digest();

  MemberRecord foreign = sample_record(2);
  foreign.mesh.raw.fill(1);
  CHECK(put(table, sign_record(foreign, key_of(2))) == MergeOutcome::refused_other_mesh);
  MeshSettings other = sample_settings(1, 9);
  other.mesh.raw.fill(1);
  CHECK(put(table, sign_settings(other, key_of(1))) == MergeOutcome::refused_other_mesh);

  MemberRecord forged = sample_record(2);
  forged.weight = 9;
  CHECK(put(table, forged) == MergeOutcome::refused_bad_signature);
  MeshSettings changed = sample_settings(1, 2);
  changed.replicas = 2;
  CHECK(put(table, changed) == MergeOutcome::refused_bad_signature);
  Eviction raised = sample_eviction(2, 1, 1);
  raised.generation = 2;
  CHECK(put(table, raised) == MergeOutcome::refused_bad_signature);

  CHECK(put(table, sample_eviction(1, 9, 77)) == MergeOutcome::refused_unknown_signer);
  CHECK(put(table, sample_settings(77, 9)) == MergeOutcome::refused_unknown_signer);
  MeshSettings moved = sample_settings(1, 2);
  moved.placement_key = 5;
  CHECK(put(table, sign_settings(moved, key_of(1))) == MergeOutcome::refused_fixed_setting);
  CHECK(table.table_digest() == before);
}

TEST_CASE("membership: another record of the own id is reported and never adopted") {
  MemberTable table = own_table();
  table.set_own(sample_record(1, 4));

  CHECK(table.merge(sample_record(1, 3)).outcome == MergeOutcome::ignored);
  CHECK(table.merge(sample_record(1, 4)).outcome == MergeOutcome::ignored);
  const Merge same = table.merge(sample_record(1, 4, MemberState::active, 9));
  CHECK(same.outcome == MergeOutcome::own_record_challenged);
  const Merge higher = table.merge(sample_record(1, 6));
  CHECK(higher.outcome == MergeOutcome::own_record_challenged);
  CHECK(higher.generation == 6);
  CHECK(table.find(id_of(1))->generation == 4);

  CHECK(put(table, sample_record(2)) == MergeOutcome::adopted);
  const Merge evicted = table.merge(sample_eviction(1, 4, 2));
  CHECK(evicted.outcome == MergeOutcome::own_evicted);
  CHECK(evicted.generation == 4);
  table.set_own(sample_record(1, 7));
  CHECK_FALSE(table.is_evicted(id_of(1)));
  table.check_invariants();
}

TEST_CASE("membership: a table without a mesh takes settings first") {
  MemberTable table(id_of(1));
  CHECK(put(table, sample_record(2)) == MergeOutcome::ignored);
  CHECK(table.settings() == nullptr);
  CHECK(put(table, sample_settings(2)) == MergeOutcome::adopted);
  CHECK(put(table, sample_record(2)) == MergeOutcome::adopted);
  CHECK(table.present() == std::vector{id_of(2)});
}

TEST_CASE("membership: stamps page through the table in order of id") {
  MemberTable table = own_table();
  for (std::uint32_t number = 2; number <= 9; ++number) (void)put(table, sample_record(number));

  const std::vector<MemberStamp> all = table.stamps({}, 100);
  const std::vector<MemberStamp> head = table.stamps({}, 4);
  const std::vector<MemberStamp> tail = table.stamps(head.back().node, 100);

  CHECK(all.size() == 9);
  CHECK(std::ranges::is_sorted(all, {}, &MemberStamp::node));
  CHECK(std::equal(head.begin(), head.end(), all.begin()));
  CHECK(std::equal(tail.begin(), tail.end(), all.begin() + 4));
}
