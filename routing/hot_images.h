#pragma once

#include <cstdint>
#include <map>

#include "base/ids.h"
#include "base/time.h"

namespace pixmesh {

struct HotImagesOptions {
  Duration busy_wait = 1s;        // predicted at the least busy holder
  Duration busy_for = 1s;         // so long it has to stay above that
  Duration forgotten_after = 5s;  // without a request
  std::size_t images_max = 1024;  // remembered
};

/// Images that more people want than their holders can serve, as one router sees it: at each
/// request of the last second every holder had said that its wait is long. Then members that do not
/// hold the image are asked too. One peak is no reason: moving an image costs as much as a short
/// wait.
class HotImages {
 public:
  explicit HotImages(HotImagesOptions options = {}) : options_(options) {}

  /// @param least_wait_micros  of the holders that could run the request.
  /// @returns whether others should be asked for help.
  [[nodiscard]] bool on_waits(Instant now, const Digest& image, std::uint64_t least_wait_micros);

  [[nodiscard]] std::size_t count() const { return busy_.size(); }

 private:
  struct Busy {
    Instant since;
    Instant seen;
  };
  HotImagesOptions options_;
  std::map<Digest, Busy> busy_;
};

/// What moving an image takes, in microseconds: 5 ms and 10 ms for each MB, as over a link of
/// 1 Gbit/s that others use too.
[[nodiscard]] constexpr std::uint64_t moving_micros(std::uint64_t bytes) {
  return bytes == 0 ? 0 : 5'000 + bytes / 100;
}

}  // namespace pixmesh
