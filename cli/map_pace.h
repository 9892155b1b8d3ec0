#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace pixmesh {

/// How many images a map has under way at one time.
///
/// It learns from what the runs say: one more when as many runs as are under way waited less than
/// half as long for their turn as they took, one less when as many waited longer than they took, a
/// quarter less, and a pause, when a node was busy. So every worker of the mesh has its next image
/// at hand, and the queues stay short for others. (As TCP Vegas does with the round trip.)
class MapPace {
 public:
  static constexpr std::size_t most = 1024;

  /// @param fixed    0: it learns, from `start` on; else always that many.
  /// @param ceiling  never more than that.
  MapPace(std::size_t start, std::size_t fixed, std::size_t ceiling = most);

  [[nodiscard]] std::size_t limit() const { return limit_; }
  /// Nobody begins before.
  [[nodiscard]] Instant not_before() const { return not_before_; }

  void on_done(Duration queued, Duration wall);
  void on_busy(Instant now, Duration retry_after);

 private:
  std::size_t ceiling_;
  std::size_t limit_;
  bool fixed_;
  std::size_t short_waits_ = 0;
  std::size_t long_waits_ = 0;
  Instant not_before_{};
};

/// How long an image waits whose holders are all too busy for it. A mesh that others keep busy lets
/// the images of a map in one by one: as long as any comes to its end the others wait.
class MapPatience {
 public:
  static constexpr Duration most = 10min;

  explicit MapPatience(Instant begun) : last_end_(begun) {}

  /// An image has come to its end, and how; that it was given up for busy holders is none.
  void on_ended(Instant now, ErrorCode how);
  /// @param busy_since  when its holders were too busy for the first time.
  [[nodiscard]] bool lasts(Instant now, Instant busy_since) const;

 private:
  Instant last_end_;
};

/// What a map may use.
struct MapMeans {
  std::size_t workers = 0;      // of the mesh
  std::size_t nodes = 1;        // of the mesh
  std::size_t files = 0;        // that this process may open for it
  std::size_t concurrency = 0;  // that was asked for; 0: as many as the mesh takes
};
/// How many images at one time, and how many nodes each of their clients is connected to.
struct MapBounds {
  std::size_t start =
      1;                 // a worker of each node, and one image more a node that waits for its turn
  std::size_t most = 1;  // twice that, but 64 to 1,024; fewer where files are short
  std::size_t links = 2;
};
[[nodiscard]] MapBounds map_bounds(const MapMeans& means);

/// How fast it goes, by the last half minute.
class MapRate {
 public:
  void begin(Instant now);
  void on_done(Instant now);
  /// Images in a thousand seconds; 0: nobody knows yet.
  [[nodiscard]] std::uint64_t per_thousand_seconds(Instant now) const;

 private:
  struct Sample {
    Instant at;
    std::uint64_t done = 0;
  };
  std::deque<Sample> samples_;
  std::uint64_t done_ = 0;
};

struct MapCounts {
  std::uint64_t total = 0;
  std::uint64_t done = 0;     // in all, also in earlier sessions
  std::uint64_t failed = 0;   // the same
  std::uint64_t running = 0;  // under way
};

/// "45%  90 of 200  3 failed  4 under way  9.1/s  12s left"
/// @param rate  per thousand seconds; 0: not known.
/// @param left  what a forecast says; none: it is told by the rate.
[[nodiscard]] std::string map_progress_text(const MapCounts& counts, std::uint64_t rate,
                                            std::optional<Duration> left = std::nullopt);

/// "9.1/s", or "12.0/min" where that is less than one a second.
[[nodiscard]] std::string rate_text(std::uint64_t per_thousand_seconds);

}  // namespace pixmesh
