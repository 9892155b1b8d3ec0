#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/command_context.h"
#include "cli/map_forecast.h"
#include "cli/map_items.h"
#include "cli/map_journal.h"
#include "cli/map_pace.h"
#include "cli/map_target.h"
#include "cli/recipe_chain.h"

namespace pixmesh {

struct MapOrders {
  RecipeChain chain;
  bool strict = false;
  std::vector<Endpoint> nodes;  // any of them may answer
  Duration deadline = 120s;     // of one image
  std::size_t concurrency = 0;  // 0: learned
  MapBounds bounds;
  MapForecast forecast;
};

/// The images of a map on their way through the mesh: a queue, and threads that each have a client
/// of their own and take one image at a time, as many as `MapPace` lets work.
///
///   queue ──► run ──► result under its name ──► line in the journal
///     ▲        │ busy: in front again, after the pause that the node asked for, until no image
///     │        │ has come to its end for 10 min
///     └────────┘ unreachable, damaged: at the end again, twice
///
/// A full disk here or in the mesh, and a journal that cannot be written, stop all of it: what is
/// under way then is not noted, and done again with --resume. One thread owns it; the threads in it
/// are its own.
class MapWork {
 public:
  MapWork(CommandContext& context, MapTarget& target, MapJournal& journal, MapOrders orders,
          std::vector<MapItem> items, MapCounts counts);
  ~MapWork();
  MapWork(const MapWork&) = delete;
  MapWork& operator=(const MapWork&) = delete;

  /// Starts threads that may work now. @returns false when nothing is left to do.
  [[nodiscard]] bool go_on();
  /// Nothing more is begun. Waits for what is under way: after Ctrl-C that is cancelled.
  void end();
  /// What has become of images since it was asked last.
  [[nodiscard]] std::vector<MapLine> take_lines();
  [[nodiscard]] std::string progress();
  [[nodiscard]] MapCounts counts();
  /// Why it stopped by itself.
  [[nodiscard]] std::optional<Error> fault();

 private:
  struct Job {
    MapItem item;
    int tries = 0;
    std::optional<Instant> busy_since;
  };

  void work(std::size_t number);
  [[nodiscard]] std::optional<Job> take(std::size_t number);
  void handle(Client& client, Job job);
  [[nodiscard]] Result<MapLine> run(Client& client, const Job& job, RequestId request);
  void on_error(Client& client, Job job, RequestId request, const Error& error);
  void note(MapLine line);
  void stop();
  void give_up(const Error& why);
  [[nodiscard]] bool is_over() const { return stopping_ || (queue_.empty() && under_way_ == 0); }

  CommandContext& context_;
  MapTarget& target_;
  MapJournal& journal_;
  const MapOrders orders_;

  std::mutex mutex_;  // guards all below but threads_
  std::condition_variable changed_;
  std::deque<Job> queue_;
  std::size_t under_way_ = 0;
  MapPace pace_;
  MapRate rate_;
  MapForecast forecast_;
  MapPatience patience_;
  MapCounts counts_;
  std::vector<MapLine> fresh_;
  std::optional<Error> fault_;
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace pixmesh
