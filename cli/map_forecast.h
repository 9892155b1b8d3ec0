#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "cli/map_items.h"
#include "processing/cost_model.h"

namespace pixmesh {

/// What a map does with each image, as the mesh's cost models call it.
struct MapWorkKind {
  std::string recipe;
  Digest digest;        // of the recipe; zero: not known
  std::string choices;  // as of way_of
};

/// How long a map will still take: the time that the images which are left are expected to take,
/// over the images that are worked on at one time.
///
///   nodes' cost models ─┐
///   runs that ended ────┴► CostModel ──► work that is left ┐
///   workers of the mesh; of the last half minute: work done for each second ┴► time left
///
/// A map of small images and a few huge ones is half done when half of its work is, whatever its
/// count says. Before the first run has ended the workers of the mesh say how many go on at one
/// time; afterwards what was done. Kept results come at once, and say nothing of the rest until an
/// image has had the time that one takes. Not thread-safe. O(sizes) for each answer, not O(images).
class MapForecast {
 public:
  /// @param workers  of the mesh; 0: not known
  explicit MapForecast(MapWorkKind kind = {}, std::size_t workers = 0);

  /// What a node has learned. Rows of another recipe, and ways that are known already, are ignored.
  void learn(const RecipeCost& cost);
  /// An image that is to be done.
  void add(const MapItem& item);
  /// @param wall  of its tool; none: it failed, or nobody knows.
  /// @param made  for this map: else it tells nothing of what runs take now.
  void on_ended(Instant now, const MapItem& item, std::optional<Duration> wall, bool made);
  void begin(Instant now);

  /// @param at_once  images under way at one time.
  /// @returns none: nobody knows yet what such a run takes.
  [[nodiscard]] std::optional<Duration> left(Instant now, std::size_t at_once) const;

 private:
  struct Size {
    std::uint64_t count = 0;
    std::uint64_t pixels = 0;  // of all of them
  };
  struct Sample {
    Instant at;
    std::uint64_t micros = 0;  // of all work done until then
  };
  [[nodiscard]] std::uint64_t expected_micros(const std::string& type, std::uint64_t pixels) const;
  [[nodiscard]] Size& size_of(const MapItem& item);
  [[nodiscard]] bool knows() const { return !model_.costs_of(kind_.recipe).empty(); }

  MapWorkKind kind_;
  std::size_t workers_;
  CostModel model_;
  std::map<std::pair<std::string, int>, Size> left_;  // by type and bits of the pixels
  std::deque<Sample> samples_;
  std::uint64_t done_micros_ = 0;
  bool has_made_ = false;  // a run of this map has ended
};

}  // namespace pixmesh
