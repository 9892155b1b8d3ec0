#pragma once

#include <doctest/doctest.h>

#include "replication/rebalance.h"
#include "sample_view.h"

namespace pixmesh {

constexpr PartitionId partition{0};

// Lists as bytes, good enough to be told apart: nothing here reads them back.
inline RecordCodec blind_codec() {
  RecordCodec codec;
  codec.encode_lists = [](const HolderLists& lists) {
    return Bytes{static_cast<std::uint8_t>(lists.number)};
  };
  codec.decode_lists = [](ByteView) -> Result<HolderLists> { return HolderLists{}; };
  codec.encode_sets = [](const HolderSets&) { return Bytes{1}; };
  return codec;
}

/// Node 4 becomes a holder in the place of node 3.
struct Newcomer {
  MeshView view = view_of({1, 2, 3, 4});
  RecordCodec codec = blind_codec();
  Instant now{};
  Rebalance machine;

  Newcomer() : machine(OperationId{1}, self_is_four(view), codec, 1) {
    (void)machine.start(now);
    written(machine.on_placement(now, [](PartitionId) { return lives({1, 2, 4}); }));
  }
  static MeshView& self_is_four(MeshView& view) {
    view.self = node(4);
    return view;
  }
  // Answers every write.
  void written(const Effects& effects) {
    for (const Effect& effect : effects) {
      const auto* use = std::get_if<UseDisk>(&effect);
      if (use == nullptr || !std::holds_alternative<PutValues>(use->operation)) continue;
      (void)machine.on_disk(now, DiskAnswer(Done{}));
    }
  }
  void announce(std::uint8_t from) {
    written(machine.on_message(
        now, node(from),
        ListsAnnounced{{}, {lives({1, 2, 3}), lives({1, 2, 4})}, {{partition, 1, 0, 1}}}));
  }
  Effects tick() {
    now += 1s;
    Effects effects = machine.on_deadline(now);
    written(effects);
    return effects;
  }
  // A comparison of fingerprints that finds a difference, up to the start of the sync.
  void begin_sync() { begin_sync(tick()); }
  void begin_sync(const Effects& reading) {
    REQUIRE(count_of<UseDisk>(reading) == 1);
    const auto questions =
        asked<FingerprintRequest>(machine.on_disk(now, DiskAnswer(DiskSummary{})));
    for (const auto& [to, question] : questions) {
      (void)machine.on_message(now, to,
                               FingerprintAnswer{OperationId{1}, {partition}, question.round});
    }
    REQUIRE(count_of<StartSync>(tick()) == 1);
  }
};

/// A node whose disk knows these lists of the one partition, and holds nothing else.
struct Holder {
  Holder(std::uint8_t self, HolderLists lists) {
    view.self = node(self);
    codec.decode_lists = [lists](ByteView) -> Result<HolderLists> { return lists; };
    machine.restore(Bytes{0, 0, 0, 0}, Bytes{1});
    (void)machine.start(now);
  }
  Effects answered(Effects effects) {
    for (std::size_t writes = count_of<UseDisk>(effects); writes > 0; --writes) {
      append(effects, machine.on_disk(now, DiskAnswer(DiskSummary{})));
    }
    for (const auto& [to, said] : asked<ListsAnnounced>(effects)) announced = said.round;
    return effects;
  }
  Effects tick() {
    now += 1s;
    return answered(machine.on_deadline(now));
  }
  std::size_t drops_in_ten_seconds() {
    std::size_t drops = 0;
    for (int i = 0; i < 10; ++i) drops += count_of<StartDrop>(tick());
    return drops;
  }
  void place(std::uint64_t height, const std::vector<NodeId>& target) {
    view.height = height;
    answered(machine.on_placement(now, [&](PartitionId) { return first_lives_of(target); }));
  }
  void hear(NodeId from, const PeerMessage& message) {
    answered(machine.on_message(now, from, message));
  }
  void hear(NodeId from, SettleStep step, std::uint64_t number) {
    hear(from, Settle{step, {}, {{partition, number}}});
  }
  /// `from` has noted the last announcement.
  void note(NodeId from) { hear(from, AnnounceNoted{{}, {partition}, announced}); }
  /// The settled members have the same lists, and nothing that it lacks.
  void become_whole() {
    const HolderLists known = lists();
    for (const NodeId& other : known.settled) {
      if (other == view.self) continue;
      hear(other, ListsAnnounced{{},
                                 {first_lives_of(known.settled), first_lives_of(known.target)},
                                 {{partition, known.number, 0, 1}}});
    }
    for (int i = 0; i < 3; ++i) {
      for (const auto& [to, question] : asked<FingerprintRequest>(tick())) {
        hear(to, FingerprintAnswer{OperationId{1}, {}, question.round});
      }
    }
  }
  [[nodiscard]] HolderLists lists() const { return machine.lists_of(partition); }

  MeshView view = view_of({1, 2, 3, 4, 5});
  RecordCodec codec = blind_codec();
  Rebalance machine{OperationId{1}, view, codec, 1};
  Instant now{};
  std::uint64_t announced = 0;  // the round of the last announcement
};

}  // namespace pixmesh
