#pragma once

#include <doctest/doctest.h>

#include "simulations/world/mesh_world.h"

namespace pixmesh {

/// Asks for thumbnails of the image "a.png", and starts them at whatever node a test likes. Each
/// request is forced: else they would share one run.
class RunAsker {
 public:
  explicit RunAsker(MeshWorld& world) : world_(world) {}

  RunCandidates route(RunRequest request = {}) {
    request.request = world_.client().fresh_request();
    request.name = "a.png";
    request.recipe = "thumbnail";
    request.force = true;
    const OperationId asked = world_.client().send(0, request);
    REQUIRE(world_.run_until([&] { return world_.client().answer_of(asked) != nullptr; }, 5s));
    return std::get<RunCandidates>(*world_.client().answer_of(asked));
  }
  /// @param where  what a router said
  OperationId start(std::uint32_t node, const RunCandidates& where, RunStart wish = {}) {
    wish.request = world_.client().fresh_request();
    wish.input = where.input;
    wish.recipe = "thumbnail";
    wish.recipe_digest = where.recipe_digest;
    wish.force = true;
    return world_.client().send(node, wish);
  }

 private:
  MeshWorld& world_;
};

}  // namespace pixmesh
