#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "node/disk_places.h"
#include "node/placements.h"

using namespace pixmesh;

namespace {

constexpr std::uint32_t places_count = 1'000;

DiskDescription numbered_disk(std::uint8_t number) { return {{number}, 1ULL << 40, {}}; }

std::vector<DiskDescription> disks_of_numbers(const std::vector<std::uint8_t>& numbers) {
  std::vector<DiskDescription> disks;
  for (const std::uint8_t number : numbers) disks.push_back(numbered_disk(number));
  return disks;
}

/// The state folder: what was written stays.
class Facts {
 public:
  void write(const std::vector<TableRow>& rows) {
    for (const TableRow& row : rows) {
      if (row.value) {
        rows_[row.key] = *row.value;
      } else {
        rows_.erase(row.key);
      }
    }
  }
  [[nodiscard]] TableRows all() const { return {{rows_.begin(), rows_.end()}}; }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }

 private:
  std::map<Bytes, Bytes> rows_;
};

/// The id of the disk on which a partition lies.
std::uint8_t place_number_of(const DiskPlaces& places, std::uint32_t raw,
                             const std::vector<DiskDescription>& disks) {
  return disks[places.disk_of(PartitionId{raw})].id[0];
}

}  // namespace

TEST_CASE(
    "node: what a new disk should have stays where it is until it was moved, starts included") {
  const auto before = disks_of_numbers({1});
  const auto after = disks_of_numbers({1, 2});
  Facts facts;
  DiskPlaces places = DiskPlaces(before, {}, {}, places_count).with(after);
  const std::size_t share = places.to_move().size();
  CHECK(share > 400);
  CHECK(share < 600);
  CHECK(places.doubted().empty());
  facts.write(places.rows());

  // Half of them move, then the node starts again, with its disks in another order.
  const std::vector<PartitionId> moving = places.to_move();
  for (std::size_t i = 0; i < moving.size(); i += 2) {
    facts.write({DiskPlaces::moved_row(moving[i])});
    places.note_moved(moving[i]);
  }
  const auto turned = disks_of_numbers({2, 1});
  const DiskPlaces again(turned, after, facts.all(), places_count);

  CHECK(again.to_move().size() == moving.size() / 2);
  for (std::uint32_t raw = 0; raw < places_count; ++raw) {
    CHECK(place_number_of(again, raw, turned) == place_number_of(places, raw, after));
  }
  CHECK(again.rows().size() == moving.size() / 2);
}

TEST_CASE("node: a disk that is new at a start gets its share by moves, and nothing is doubted") {
  const auto before = disks_of_numbers({1});
  const DiskPlaces places(disks_of_numbers({1, 2}), before, {}, places_count);
  CHECK(places.to_move().size() > 400);
  for (std::uint32_t raw = 0; raw < places_count; ++raw) {
    CHECK(places.disk_of(PartitionId{raw}) == 0);
    CHECK_FALSE(places.lost(PartitionId{raw}));
  }
}

TEST_CASE("node: what a disk had that is not here at a start is doubted at the next start too") {
  const auto known = disks_of_numbers({1, 2});
  const auto now = disks_of_numbers({1, 3});
  Facts facts;
  const DiskPlaces places(now, known, {}, places_count);
  CHECK(places.doubted().size() > 400);
  facts.write(places.rows());
  // The new disk is known by then, and the doubts were not durable yet.
  const DiskPlaces again(now, disks_of_numbers({1, 2, 3}), facts.all(), places_count);
  CHECK(again.doubted() == places.doubted());
  for (std::uint32_t raw = 0; raw < places_count; ++raw) {
    CHECK(again.disk_of(PartitionId{raw}) == places.disk_of(PartitionId{raw}));
  }
}

TEST_CASE("node: what a lost disk had is doubted until the doubt is durable, starts included") {
  auto disks = disks_of_numbers({1, 2});
  const auto known = disks;
  Facts facts;
  DiskPlaces places(disks, known, {}, places_count);
  disks[1].gone = true;
  disks.push_back(numbered_disk(3));
  places = places.with(disks);
  const std::vector<PartitionId> doubted = places.doubted();
  CHECK(doubted.size() > 400);
  CHECK(doubted.size() < 600);
  for (const PartitionId partition : doubted) {
    CHECK(places.disk_of(partition) == choose_disk(partition, disks));
  }
  facts.write(places.rows());

  // The lost disk may even be back: nothing lies there any more.
  const auto back = disks_of_numbers({1, 2, 3});
  const DiskPlaces again(back, known, facts.all(), places_count);
  CHECK(again.doubted() == doubted);
  for (const PartitionId partition : doubted) CHECK(again.disk_of(partition) != 1);

  facts.write(places.end_doubts());
  const auto left = disks_of_numbers({1, 3});
  const DiskPlaces later(left, left, facts.all(), places_count);
  CHECK(later.doubted().empty());
  for (std::uint32_t raw = 0; raw < places_count; ++raw) {
    CHECK(place_number_of(later, raw, left) == place_number_of(places, raw, disks));
  }
}
