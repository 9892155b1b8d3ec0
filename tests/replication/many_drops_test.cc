#include <deque>

#include "rebalance_rig.h"

namespace pixmesh {
namespace {

constexpr std::uint32_t partitions = 100;

/// Node 3 has left the target set of all partitions, which have settled without it. The others and
/// its disk answer at once, and hold the same as it.
class Leaver {
 public:
  Leaver() {
    view_.self = node(3);
    codec_.decode_lists = [](ByteView) -> Result<HolderLists> {
      return HolderLists{nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0};
    };
    options_.compare_max = 10;
    options_.drops_max = 4;
    machine_.emplace(OperationId{1}, view_, codec_, partitions, options_);
    std::vector<SyncConfirmed::Entry> all;
    for (std::uint8_t raw = 0; raw < partitions; ++raw) {
      machine_->restore(Bytes{0, 0, 0, raw}, Bytes{1});
      all.push_back({PartitionId{raw}, 2});
    }
    play(machine_->start(now_));
    play(machine_->on_placement(now_, [](PartitionId) { return lives({1, 2, 4}); }));
    play(machine_->on_message(now_, node(1), Settle{SettleStep::prepare, {}, all}));
    play(machine_->on_message(now_, node(1), Settle{SettleStep::settle, {}, all}));
  }

  void run(Duration lasting) {
    const Instant end = now_ + lasting;
    while (now_ < end) {
      now_ += options_.tick;
      play(machine_->on_deadline(now_));
    }
  }

  [[nodiscard]] std::size_t dropped() const { return dropped_.size(); }
  [[nodiscard]] std::size_t running_max() const { return running_max_; }

 private:
  void play(const Effects& effects) {
    std::vector<PartitionId> drops;
    for (const Effect& effect : effects) {
      if (const auto* use = std::get_if<UseDisk>(&effect)) {
        const bool reads = std::holds_alternative<Summarize>(use->operation);
        play(machine_->on_disk(now_, reads ? DiskAnswer(DiskSummary{}) : DiskAnswer(Done{})));
      } else if (const auto* drop = std::get_if<StartDrop>(&effect)) {
        drops.push_back(drop->partition);
      }
    }
    for (const auto& [to, question] : asked<FingerprintRequest>(effects)) {
      play(machine_->on_message(now_, to, FingerprintAnswer{OperationId{1}, {}, question.round}));
    }
    for (const auto& [to, announced] : asked<ListsAnnounced>(effects)) {
      AnnounceNoted noted{{}, {}, announced.round};
      for (const auto& entry : announced.entries) noted.partitions.push_back(entry.partition);
      play(machine_->on_message(now_, to, noted));
    }
    running_ += drops.size();
    running_max_ = std::max(running_max_, running_);
    for (const PartitionId& partition : drops) {
      CHECK(dropped_.insert(partition).second);
      --running_;
      play(machine_->on_drop_done(now_, partition));
    }
  }

  MeshView view_ = view_of({1, 2, 3, 4});
  RecordCodec codec_ = blind_codec();
  Rebalance::Options options_;
  std::optional<Rebalance> machine_;
  Instant now_{};
  std::set<PartitionId> dropped_;
  std::size_t running_ = 0;
  std::size_t running_max_ = 0;
};

}  // namespace

TEST_CASE("rebalance: what is to be dropped is compared and dropped without a pause between") {
  Leaver leaver;
  leaver.run(2s);  // ten comparisons of ten; with a pause of `look_after` after each it takes 20 s
  CHECK(leaver.dropped() == partitions);
  CHECK(leaver.running_max() <= 4);
}

}  // namespace pixmesh
