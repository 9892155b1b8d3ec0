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

MapPace::MapPace(std::size_t start, std::size_t fixed)
    : limit_(std::clamp<std::size_t>(fixed > 0 ? fixed : start, 1, most)), fixed_(fixed > 0) {}

void MapPace::on_done(Duration queued, Duration wall) {
  if (fixed_) return;
  if (queued * 2 < wall && ++short_waits_ >= limit_) {
    limit_ = std::min(limit_ + 1, most);
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

std::string map_progress_text(const MapCounts& counts, std::uint64_t rate) {
  const std::uint64_t over = counts.done + counts.failed;
  const std::uint64_t percent = counts.total == 0 ? 100 : over * 100 / counts.total;
  std::string text = std::to_string(percent) + "%  " + std::to_string(over) + " of " +
                     std::to_string(counts.total);
  if (counts.failed > 0) text += "  " + std::to_string(counts.failed) + " failed";
  if (counts.running > 0) text += "  " + std::to_string(counts.running) + " under way";
  if (rate == 0) return text;
  text += "  " + rate_text(rate);
  const std::uint64_t left = counts.total > over ? counts.total - over : 0;
  if (left > 0) {
    text += "  " + span_at_a_glance(std::chrono::milliseconds(left * 1'000'000 / rate)) + " left";
  }
  return text;
}

}  // namespace pixmesh
