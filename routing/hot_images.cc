#include "routing/hot_images.h"

namespace pixmesh {

bool HotImages::on_waits(Instant now, const Digest& image, std::uint64_t least_wait_micros) {
  if (std::chrono::microseconds(least_wait_micros) < options_.busy_wait) {
    busy_.erase(image);
    return false;
  }
  const auto [place, is_new] = busy_.try_emplace(image, Busy{now, now});
  Busy& busy = place->second;
  if (now - busy.seen > options_.forgotten_after) busy.since = now;
  busy.seen = now;
  const bool hot = now - busy.since >= options_.busy_for;
  if (is_new && busy_.size() > options_.images_max) {
    std::erase_if(busy_, [&](const auto& entry) {
      return now - entry.second.seen > options_.forgotten_after;
    });
    if (busy_.size() > options_.images_max) busy_.erase(image);
  }
  return hot;
}

}  // namespace pixmesh
