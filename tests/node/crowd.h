#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "simulations/world/mesh_world.h"

namespace pixmesh {

/// Clients that want the same, each on its own: they ask where, start, and ask anew where when the
/// node falls silent.
class Crowd {
 public:
  Crowd(MeshWorld& world, std::string name, bool force = false,
        std::vector<RunArgument> arguments = {})
      : world_(world), name_(std::move(name)), force_(force), arguments_(std::move(arguments)) {}

  void add(std::uint32_t via) {
    Wish wish;
    wish.via = via;
    wish.request = world_.client().fresh_request();
    wishes_.push_back(wish);
    ask(wishes_.back());
  }
  void add(std::uint32_t count, const std::vector<std::uint32_t>& vias) {
    for (std::uint32_t i = 0; i < count; ++i) add(vias[i % vias.size()]);
  }

  /// Until all of them have an end. @returns how many had a result.
  std::size_t finish(Duration patience = 60s) {
    (void)world_.run_until([&] { return step(); }, patience);
    return static_cast<std::size_t>(std::ranges::count_if(
        wishes_, [](const Wish& wish) { return wish.done && wish.done->code == ErrorCode{}; }));
  }
  /// One look at what came.
  bool step() {
    bool all = true;
    for (Wish& wish : wishes_) all = advance(wish) && all;
    return all;
  }
  [[nodiscard]] std::size_t count_of(ResultOrigin origin) const {
    return static_cast<std::size_t>(std::ranges::count_if(wishes_, [&](const Wish& wish) {
      return wish.done && wish.done->code == ErrorCode{} && wish.done->origin == origin;
    }));
  }
  [[nodiscard]] const RunDone& done(std::size_t wish) const { return *wishes_.at(wish).done; }
  [[nodiscard]] std::uint32_t place(std::size_t wish) const { return wishes_.at(wish).at; }
  /// Has everybody say that it has its result.
  void leave() {
    for (const Wish& wish : wishes_) (void)world_.client().send(wish.at, RunCancel{wish.request});
    world_.run_for(50ms);
  }
  Bytes fetch(std::size_t wish) {
    const Wish& one = wishes_.at(wish);
    StreamOpen open;
    open.run = one.request;
    open.size = one.done->output_size;
    const auto course = world_.client().begin_receive(one.at, open);
    (void)world_.run_until([&] { return course->complete || course->end; }, 5s);
    return course->bytes;
  }

 private:
  enum class Step { asking, running, over };
  struct Wish {
    std::uint32_t via = 0;
    RequestId request;
    OperationId operation;
    Step step = Step::asking;
    std::uint32_t at = 0;
    Instant since;
    std::optional<RunDone> done;
  };

  void ask(Wish& wish) {
    wish.step = Step::asking;
    wish.since = world_.now();
    RunRequest request{{}, wish.request, name_, "thumbnail", arguments_, false};
    request.force = force_;
    wish.operation = world_.client().send(wish.via, std::move(request));
  }
  bool advance(Wish& wish) {
    if (wish.step == Step::over) return true;
    const bool silent = world_.now() > wish.since + 1500ms && wish.step == Step::running &&
                        !world_.is_running(wish.at);
    if (silent) ask(wish);
    const Message* answer = world_.client().answer_of(wish.operation);
    if (answer == nullptr) return false;
    if (const auto* where = std::get_if<RunCandidates>(answer)) {
      if (where->code != ErrorCode{}) return end(wish, where->code, where->detail);
      wish.at = world_.number_of(where->candidates.front().node);
      wish.step = Step::running;
      wish.since = world_.now();
      RunStart start{{},         wish.request, where->input, "thumbnail", where->recipe_digest,
                     arguments_, 60'000};
      start.force = force_;
      wish.operation = world_.client().send(wish.at, std::move(start));
    } else if (const auto* done = std::get_if<RunDone>(answer)) {
      wish.done = *done;
      wish.step = Step::over;
    }
    return wish.step == Step::over;
  }
  bool end(Wish& wish, ErrorCode code, const std::string& detail) {
    wish.done.emplace();
    wish.done->code = code;
    wish.done->detail = detail;
    wish.step = Step::over;
    return true;
  }

  MeshWorld& world_;
  std::string name_;
  bool force_;
  std::vector<RunArgument> arguments_;
  std::vector<Wish> wishes_;
};

inline std::unique_ptr<MeshWorld> world_with(const Bytes& image, std::uint32_t nodes,
                                             std::uint64_t seed) {
  auto world = settled_mesh(nodes, seed);
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
  return world;
}

inline Crowd once(MeshWorld& world, const std::string& name = "a.png", bool force = false) {
  Crowd one(world, name, force);
  one.add(0);
  (void)one.finish();
  return one;
}

/// How many tools the nodes have started.
inline std::uint32_t runs_of(MeshWorld& world) {
  std::uint32_t count = 0;
  for (const std::uint32_t node : world.running()) count += world.machine(node).executor->started;
  return count;
}

/// Of all running nodes together.
inline ResultsStatus results_of(MeshWorld& world) {
  ResultsStatus sums;
  for (const std::uint32_t node : world.running()) {
    const ResultsStatus one = world.status(node).results;
    sums.entries += one.entries;
    sums.bytes += one.bytes;
    sums.hits += one.hits;
    sums.misses += one.misses;
    sums.joined += one.joined;
  }
  return sums;
}

}  // namespace pixmesh
