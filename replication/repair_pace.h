#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/time.h"

namespace pixmesh {

class RepairPace;

/// One image that is being copied, until it is destroyed.
class CopySlot {
 public:
  CopySlot(CopySlot&& other) noexcept
      : pace_(std::exchange(other.pace_, nullptr)),
        began_(other.began_),
        came_at_(other.came_at_),
        rest_until_(other.rest_until_),
        is_last_copy_(other.is_last_copy_) {}
  CopySlot& operator=(CopySlot&& other) noexcept {
    std::swap(pace_, other.pace_);
    std::swap(began_, other.began_);
    std::swap(came_at_, other.came_at_);
    std::swap(rest_until_, other.rest_until_);
    std::swap(is_last_copy_, other.is_last_copy_);
    return *this;
  }
  ~CopySlot();

  /// Whether parts of it are to come one after the other, with rests in between.
  [[nodiscard]] bool rests(Instant now) const;
  /// A part of it is here: the next one comes after a rest, if there are to be rests.
  void note_part(Instant now);
  /// May the next part come? Asked when it would, and then at `look_again_at` until it may.
  [[nodiscard]] bool may_go_on(Instant now);
  [[nodiscard]] Instant look_again_at(Instant now) const;
  /// So many bytes came from elsewhere; 0: they were here already.
  void note_copied(Instant now, std::uint64_t bytes);

 private:
  friend RepairPace;
  CopySlot(RepairPace& pace, Instant began, bool is_last_copy)
      : pace_(&pace), began_(began), is_last_copy_(is_last_copy) {}
  [[nodiscard]] Instant rest_until() const;
  RepairPace* pace_;
  Instant began_;       // it, or the part that is coming
  Instant came_at_;     // the last part
  Instant rest_until_;  // by its share
  bool is_last_copy_;
};

/// How fast this node copies from other holders what it lacks, for rebalance, hints and repair
/// alike. What clients write does not go through it.
///
///   paused    nothing is copied until an operator says so, or until the pause is over
///   a rate    so many bytes a second at most, by an operator's word
///   yielding  while clients are at work: a tenth of that rate; without one, one chunk of one image
///             at a time with rests in between, so that a tenth of the time is spent on it
/// It never starves: a tenth is the least, and half of it where one living holder is left. Such a
/// last copy does not wait for the end of another image: it begins beside it, and as long as it is
/// under way the other rests for `rest_max` after each chunk.
///
/// With a rate, bytes are counted when a copy begins, and the image goes over in one piece. A copy
/// that has begun is not stopped. Not thread-safe; outlives its slots.
class RepairPace {
 public:
  static constexpr Duration pause_default = 1h;
  static constexpr Duration pause_max = 24h;
  static constexpr std::uint64_t rate_min = 10'000;  // bytes a second
  static constexpr std::uint64_t rate_max = 1ULL << 36;
  static constexpr Duration rest_max = 5s;  // after one chunk; sources wait for 20 s

  void pause(Instant until) { paused_until_ = until; }
  void resume() { paused_until_.reset(); }
  void set_rate(std::uint64_t rate) { rate_ = rate; }  // 0: no bound
  [[nodiscard]] std::uint64_t rate() const { return rate_; }
  /// How long it stays paused; 0: it is not.
  [[nodiscard]] Duration paused_for(Instant now) const;

  /// A client's wish to read or write came here.
  void on_client_work(Instant now);
  /// Whether clients are at work: more than one wish within the last second.
  [[nodiscard]] bool yields(Instant now) const;

  /// May an image of so many bytes be copied now? @returns nothing if it may not yet: ask again at
  /// `again_at`.
  /// @param is_last_copy  one living holder has it, or none.
  [[nodiscard]] std::optional<CopySlot> open(Instant now, std::uint64_t bytes, bool is_last_copy);
  [[nodiscard]] Instant again_at() const { return again_at_; }

  [[nodiscard]] std::uint64_t copied_bytes() const { return copied_bytes_; }
  /// The mean of the last ten seconds.
  [[nodiscard]] std::uint64_t bytes_a_second(Instant now) const;

 private:
  friend CopySlot;
  static constexpr std::size_t window_seconds = 10;
  [[nodiscard]] std::optional<Instant> held_until(Instant now, bool is_last_copy);
  [[nodiscard]] std::optional<Instant> resting_until(Instant now, bool is_last_copy) const;
  void note_took(Instant now, Duration took);
  [[nodiscard]] Instant end_of_rest(std::uint64_t parts) const;
  void pay_off(Instant now, std::uint64_t rate);
  void on_copied(Instant now, Duration took, std::uint64_t bytes);

  std::optional<Instant> paused_until_;
  std::uint64_t rate_ = 0;
  std::uint64_t owed_bytes_ = 0;  // begun, and not yet paid for by time
  Instant paid_until_;
  std::uint32_t open_slots_ = 0;
  std::uint32_t open_last_copies_ = 0;  // of them
  Instant last_ended_at_;               // the last chunk that was copied …
  Duration last_took_{};                // … and how long that took
  Instant again_at_;
  std::array<std::optional<Instant>, 2> client_work_;  // the last two, the later one first
  std::uint64_t copied_bytes_ = 0;
  struct Second {
    std::int64_t number = -1;
    std::uint64_t bytes = 0;
  };
  std::array<Second, window_seconds> seconds_;
};

}  // namespace pixmesh
