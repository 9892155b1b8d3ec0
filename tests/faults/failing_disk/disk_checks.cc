#include "disk_checks.h"

#include <doctest/doctest.h>

namespace pixmesh {

bool names_failed_disk(TestMesh& mesh, std::size_t node) {
  const Json status = mesh.json({"status"});
  for (const Json& one : status["nodes"]) {
    if (one["address"] != mesh.address(node) || !one.contains("disks")) continue;
    for (const Json& disk : one["disks"]) {
      if (disk["state"] == "failed") return true;
    }
  }
  return false;
}

void check_goes_on_without(TestMesh& mesh, std::size_t failed) {
  CHECK(mesh.json({"status"})["totals"]["disks_failed"] == 1);
  const std::string said = "node-" + std::to_string(failed) + "/images of node";
  CHECK(mesh.must({"status"}).find(said) != std::string::npos);

  Traffic after(mesh, {.prefix = "after-failure", .writers = 2, .largest = 300'000});
  CHECK(becomes_true(30s, [&] { return after.acknowledged() >= 20; }));
  after.stop();

  after.check_through_each_node(mesh);
  // Two of three must have it, and the failed one has nothing: each of the others has all.
  for (std::size_t node = 0; node < mesh.size(); ++node) {
    if (node != failed) after.check_rescued(rescued_from({mesh.storage_of(node)}));
  }
}

}  // namespace pixmesh
