#pragma once

#include <doctest/doctest.h>

#include "simulations/checks/all_checks.h"
#include "simulations/workload/workload.h"
#include "wire/message.h"

namespace pixmesh {

/// A small mesh with one acknowledged image, and every check on it. Tests then spoil something and
/// see which promise is found broken.
class SpoiledMesh {
 public:
  explicit SpoiledMesh(const NodePlan& plan = {})
      : world_({.seed = 7}),
        atlas_(world_, 2),
        checks_({world_, oracle_, atlas_, scenario_, findings_}),
        workload_(world_, oracle_, checks_, 1, Rng(7)) {
    for (int i = 0; i < 4; ++i) (void)world_.add_node(plan);
    world_.watch(checks_);
    CHECK(world_.run_until_settled());
    Event put;
    put.amount = 1'000;
    put.number = 1;
    put.name = "image";
    workload_.begin(put);
    CHECK(world_.run_until([this] { return workload_.open_count() == 0; }));
    CHECK(oracle_.acknowledged_count() == 1);
    world_.run_for(1s);
  }

  [[nodiscard]] std::string promise_at_rest() {
    checks_.at_rest();
    return promise();
  }
  [[nodiscard]] std::string promise() const {
    return findings_.first() ? findings_.first()->promise : "";
  }
  [[nodiscard]] Scene scene() { return {world_, oracle_, atlas_, scenario_, findings_}; }
  [[nodiscard]] ImageRecord record() { return *world_.record_at(holders().front(), "image"); }
  [[nodiscard]] std::vector<std::uint32_t> holders() { return world_.keepers_of("image"); }
  [[nodiscard]] PartitionId partition() { return world_.partition_of_name("image"); }
  [[nodiscard]] HolderLists lists_of(std::uint32_t node) {
    return *world_.stored_lists(node, partition());
  }
  /// A node that holds the image neither way.
  [[nodiscard]] std::uint32_t outsider();
  /// Epoch of the placement that a node uses, as far as it is logged.
  [[nodiscard]] Epoch epoch_of(std::uint32_t node) const;
  void store_lists(std::uint32_t node, const HolderLists& lists);
  /// All checks see a message that a node puts on the wire.
  void say(std::uint32_t from, std::uint32_t to, const Message& message) {
    checks_.on_sent(from, to, Plane::control, encode(message));
  }
  [[nodiscard]] std::string path() { return blob_path(record().digest, record().media); }

  MeshWorld world_;
  Scenario scenario_;
  Oracle oracle_;
  Findings findings_;
  Atlas atlas_;
  AllChecks checks_;
  Workload workload_;
};

}  // namespace pixmesh
