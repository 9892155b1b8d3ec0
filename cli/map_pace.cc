#include "cli/map_pace.h"

#include <algorithm>

#include "cli/table.h"

namespace pixmesh {
namespace {

constexpr Duration rate_window = 30s;

std::string tenths_text(std::uint64_t tenths) {
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

}  // namespace

MapPace::MapPace(std::size_t start, std::size_t fixed, std::size_t ceiling)
    : ceiling_(std::clamp<std::size_t>(ceiling, 1, most)),
      limit_(std::clamp<std::size_t>(fixed > 0 ? fixed : start, 1, ceiling_)),
      fixed_(fixed > 0) {}

MapBounds map_bounds(const MapMeans& means) {
  constexpr std::size_t files_a_link = 4;    // two sockets, each with one more
  constexpr std::size_t files_a_client = 6;  // a watch of one of them among these
  constexpr std::size_t links_needed = 8;    // below that, runs wait for connections to be made
  constexpr std::size_t usual = 64;
  constexpr std::size_t links_max = 400;
  const auto files_of = [](std::size_t links) { return links * files_a_link + files_a_client; };
  const std::size_t links_least = std::clamp<std::size_t>(means.nodes, 2, links_needed);
  const std::size_t affordable = std::max<std::size_t>(means.files / files_of(links_least), 1);
  const std::size_t places = std::max<std::size_t>(means.workers + means.nodes, 2);
  MapBounds bounds;
  bounds.most = means.concurrency > 0 ? std::min(means.concurrency, MapPace::most)
                                      : std::clamp(2 * places, usual, MapPace::most);
  bounds.most = std::min(bounds.most, affordable);
  bounds.start = std::min(places, bounds.most);
  const std::size_t share = means.files / bounds.most;
  const std::size_t links = share > files_a_client ? (share - files_a_client) / files_a_link : 0;
  bounds.links = std::clamp<std::size_t>(links, 2, links_max);
  return bounds;
}

void MapPace::on_done(Duration queued, Duration wall) {
  if (fixed_) return;
  if (queued * 2 < wall && ++short_waits_ >= limit_) {
    limit_ = std::min(limit_ + 1, ceiling_);
    short_waits_ = 0;
  } else if (queued > wall && ++long_waits_ >= limit_) {
    limit_ = std::max<std::size_t>(limit_ - 1, 1);
    long_waits_ = 0;
  }
}

void MapPace::on_busy(Instant now, Duration retry_after) {
  // Those that were under way together are refused together: that counts once.
  const bool is_news = now >= not_before_;
  not_before_ = std::max(not_before_, now + retry_after);
  if (fixed_ || !is_news) return;
  limit_ = std::max<std::size_t>(limit_ - (limit_ + 3) / 4, 1);
  short_waits_ = long_waits_ = 0;
}

void MapPatience::on_ended(Instant now, ErrorCode how) {
  if (how != ErrorCode::overloaded) last_end_ = std::max(last_end_, now);
}

bool MapPatience::lasts(Instant now, Instant busy_since) const {
  return now - std::max(busy_since, last_end_) < most;
}

void MapRate::begin(Instant now) {
  if (samples_.empty()) samples_.push_back({now, 0});
}

void MapRate::on_done(Instant now) {
  begin(now);
  ++done_;
  samples_.push_back({now, done_});
  while (samples_.size() > 2 && now - samples_.front().at > rate_window) samples_.pop_front();
}

std::uint64_t MapRate::per_thousand_seconds(Instant now) const {
  if (samples_.empty() || done_ == 0) return 0;
  const auto span = static_cast<std::uint64_t>((now - samples_.front().at) / 1ms);
  return span == 0 ? 0 : (done_ - samples_.front().done) * 1'000'000 / span;
}

std::string rate_text(std::uint64_t per_thousand_seconds) {
  if (per_thousand_seconds >= 1000) return tenths_text(per_thousand_seconds / 100) + "/s";
  return tenths_text(per_thousand_seconds * 60 / 100) + "/min";
}

std::string map_progress_text(const MapCounts& counts, std::uint64_t rate,
                              std::optional<Duration> left) {
  const std::uint64_t over = counts.done + counts.failed;
  const std::uint64_t percent = counts.total == 0 ? 100 : over * 100 / counts.total;
  std::string text = std::to_string(percent) + "%  " + std::to_string(over) + " of " +
                     std::to_string(counts.total);
  if (counts.failed > 0) text += "  " + std::to_string(counts.failed) + " failed";
  if (counts.running > 0) text += "  " + std::to_string(counts.running) + " under way";
  if (rate > 0) text += "  " + rate_text(rate);
  const std::uint64_t count = counts.total > over ? counts.total - over : 0;
  if (!left && rate > 0) left = std::chrono::milliseconds(count * 1'000'000 / rate);
  if (left && count > 0) text += "  " + span_at_a_glance(*left) + " left";
  return text;
}

}  // namespace pixmesh
