#include "cli/map_forecast.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/rng.h"

namespace pixmesh {
namespace {

constexpr Duration window = 30s;
constexpr std::uint64_t micros_max = 1ULL << 50;

}  // namespace

MapForecast::MapForecast(MapWorkKind kind, std::size_t workers)
    : kind_(std::move(kind)), workers_(workers), model_(1s) {}

void MapForecast::learn(const RecipeCost& cost) {
  const bool same = cost.recipe == kind_.recipe && cost.digest == kind_.digest;
  if (same) model_.restore(cost);
}

MapForecast::Size& MapForecast::size_of(const MapItem& item) {
  return left_[{item.type, static_cast<int>(std::bit_width(item.pixels))}];
}

void MapForecast::add(const MapItem& item) {
  Size& size = size_of(item);
  ++size.count;
  size.pixels += item.pixels;
}

void MapForecast::begin(Instant now) {
  if (samples_.empty()) samples_.push_back({now, 0});
}

void MapForecast::on_ended(Instant now, const MapItem& item, std::optional<Duration> wall,
                           bool made) {
  Size& size = size_of(item);
  if (size.count > 0) --size.count;
  size.pixels -= std::min(size.pixels, item.pixels);
  if (wall && made) {
    has_made_ = true;
    const std::string way = way_of(item.type, 0, kind_.choices);
    model_.add({kind_.recipe, way}, kind_.digest, item.pixels, {*wall, {}, 0});
  }
  const std::uint64_t micros =
      wall ? static_cast<std::uint64_t>(std::max<Duration>(*wall, Duration{}) / 1us)
           : expected_micros(item.type, item.pixels);
  begin(now);
  done_micros_ += std::min(micros, micros_max);
  samples_.push_back({now, done_micros_});
  while (samples_.size() > 2 && now - samples_.front().at > window) samples_.pop_front();
}

std::uint64_t MapForecast::expected_micros(const std::string& type, std::uint64_t pixels) const {
  return model_.of({kind_.recipe, way_of(type, 0, kind_.choices)}, pixels).wall_micros;
}

std::optional<Duration> MapForecast::left(Instant now, std::size_t at_once) const {
  if (!knows()) return std::nullopt;
  Wide work = 0;
  std::uint64_t images = 0;
  for (const auto& [key, size] : left_) {
    if (size.count == 0) continue;
    work += Wide{expected_micros(key.first, size.pixels / size.count)} * size.count;
    images += size.count;
  }
  const std::uint64_t done = samples_.empty() ? 0 : done_micros_ - samples_.front().micros;
  const auto span =
      samples_.empty() ? Duration{} : std::max<Duration>(now - samples_.front().at, Duration{1us});
  const bool is_measured =
      has_made_ || Wide{static_cast<std::uint64_t>(span / 1us)} * images >= work;
  Wide micros = 0;
  if (done > 0 && is_measured) {
    micros = work * static_cast<std::uint64_t>(span / 1us) / done;
  } else {
    const std::size_t lanes = workers_ == 0 ? at_once : std::min(at_once, workers_);
    micros = work / std::max<std::size_t>(lanes, 1);
  }
  return std::chrono::microseconds(static_cast<std::uint64_t>(std::min<Wide>(micros, micros_max)));
}

}  // namespace pixmesh
