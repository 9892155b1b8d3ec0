#include "simulations/workload/forgery.h"

#include "base/digest.h"
#include "wire/message.h"

namespace pixmesh {
namespace {

Message forged_commit(MeshWorld& world, std::uint32_t node, std::uint32_t number) {
  CommitRequest commit;
  commit.record.name = std::string(forged_prefix) + std::to_string(number);
  commit.partition = world.partition_of_name(commit.record.name);
  commit.record.tombstone = true;
  commit.record.version = {~0ULL, world.id_of(node)};
  if (const auto lists = world.stored_lists(node, commit.partition)) commit.lists = *lists;
  return commit;
}

Message forged_settle(MeshWorld& world, std::uint32_t number) {
  Settle settle;
  settle.step = SettleStep::settle;
  const std::uint32_t count = 1U << world.settings().partition_bits;
  for (std::uint64_t next = 2; next < 6; ++next) {
    settle.entries.push_back({PartitionId{number % count}, next});
  }
  return settle;
}

Message forged_death(MeshWorld& world, std::uint32_t node, std::uint32_t number) {
  Eviction eviction;
  eviction.mesh = world.settings().mesh;
  eviction.node = world.id_of(node);
  // Of the life it leads, or the next one would undo it.
  const auto record = world.stored_member(node);
  eviction.generation = (record ? record->generation : 0) + number;
  RecordPush push;
  push.evictions.push_back(eviction);  // nobody signed it
  return push;
}

// Its owner's, of a generation that the owner never reached.
Message forged_record(MeshWorld& world, std::uint32_t node, std::uint32_t number) {
  RecordPush push;
  if (auto record = world.stored_member(node)) {
    record->generation += 1 + number;
    record->weight = 1;
    push.records.push_back(std::move(*record));
  }
  return push;
}

}  // namespace

Bytes lie_about(MeshWorld& world, std::uint32_t node, std::uint32_t number) {
  return encode(number % 2 == 0 ? forged_death(world, node, number)
                                : forged_record(world, node, number));
}

Bytes forgery_of(MeshWorld& world, std::uint32_t node, std::uint32_t number) {
  Rng rng(number);
  Bytes bytes;
  switch (number % 5) {
    case 0:
      bytes.resize(1 + rng.below(300));
      rng.fill(bytes);
      return bytes;
    case 1:
      bytes = encode(forged_commit(world, node, number));
      bytes.resize(bytes.size() / 2);
      return bytes;
    case 2:
      return encode(forged_commit(world, node, number));
    case 3:
      return encode(forged_settle(world, number));
    default:
      return encode(forged_death(world, node, number));
  }
}

}  // namespace pixmesh
