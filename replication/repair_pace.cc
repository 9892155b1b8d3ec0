#include "replication/repair_pace.h"

#include <algorithm>

#include "base/invariant.h"

namespace pixmesh {
namespace {

constexpr Duration client_work_lasts = 1s;
constexpr Duration look_again_after = 50ms;  // whether the only copy under way has ended
constexpr Duration orders_may_change = 500ms;

// While clients are at work, one part of so many.
constexpr std::uint64_t parts_of(bool is_last_copy) { return is_last_copy ? 2 : 10; }

std::int64_t second_of(Instant at) { return at.time_since_epoch() / 1s; }

}  // namespace

CopySlot::~CopySlot() {
  if (pace_ == nullptr) return;
  invariant(pace_->open_slots_ > 0, "a copy ends once");
  --pace_->open_slots_;
  if (is_last_copy_) --pace_->open_last_copies_;
}

bool CopySlot::rests(Instant now) const {
  return pace_ != nullptr && pace_->rate_ == 0 && pace_->yields(now);
}

// What was on its way when the rests began comes during one, and is no reason for another.
void CopySlot::note_part(Instant now) {
  if (!rests(now) || now < rest_until_) return;
  pace_->note_took(now, now - began_);
  came_at_ = now;
  rest_until_ = pace_->end_of_rest(parts_of(is_last_copy_));
}

Instant CopySlot::rest_until() const {
  const bool gives_way = !is_last_copy_ && pace_ != nullptr && pace_->open_last_copies_ > 0;
  return gives_way ? came_at_ + RepairPace::rest_max : rest_until_;
}

bool CopySlot::may_go_on(Instant now) {
  if (now < rest_until() && rests(now)) return false;
  began_ = now;
  return true;
}

Instant CopySlot::look_again_at(Instant now) const {
  return std::min<Instant>(rest_until(), now + orders_may_change);
}

void CopySlot::note_copied(Instant now, std::uint64_t bytes) {
  if (bytes > 0) pace_->on_copied(now, now - began_, bytes);
}

Duration RepairPace::paused_for(Instant now) const {
  return paused_until_ && now < *paused_until_ ? *paused_until_ - now : Duration{};
}

void RepairPace::on_client_work(Instant now) { client_work_ = {now, client_work_[0]}; }

bool RepairPace::yields(Instant now) const {
  return client_work_[1] && now - *client_work_[1] < client_work_lasts;
}

std::optional<CopySlot> RepairPace::open(Instant now, std::uint64_t bytes, bool is_last_copy) {
  if (const auto until = held_until(now, is_last_copy)) {
    again_at_ = std::min<Instant>(*until, now + orders_may_change);
    return std::nullopt;
  }
  if (rate_ > 0) owed_bytes_ = bytes;
  ++open_slots_;
  if (is_last_copy) ++open_last_copies_;
  return CopySlot(*this, now, is_last_copy);
}

std::optional<Instant> RepairPace::held_until(Instant now, bool is_last_copy) {
  if (paused_for(now) > Duration{}) return paused_until_;
  if (rate_ == 0) return resting_until(now, is_last_copy);
  const std::uint64_t parts = yields(now) ? parts_of(is_last_copy) : 1;
  pay_off(now, rate_ / parts);
  if (owed_bytes_ == 0) return std::nullopt;
  return now + std::chrono::milliseconds(1 + owed_bytes_ * 1'000 / (rate_ / parts));
}

std::optional<Instant> RepairPace::resting_until(Instant now, bool is_last_copy) const {
  if (!yields(now)) return std::nullopt;
  const std::uint32_t in_its_way = is_last_copy ? open_last_copies_ : open_slots_;
  if (in_its_way > 0) return now + look_again_after;
  const Instant until = end_of_rest(parts_of(is_last_copy));
  return now < until ? std::optional(until) : std::nullopt;
}

Instant RepairPace::end_of_rest(std::uint64_t parts) const {
  const Duration rest = last_took_ * static_cast<std::int64_t>(parts - 1);
  return last_ended_at_ + std::min(rest, rest_max);
}

void RepairPace::note_took(Instant now, Duration took) {
  last_ended_at_ = now;
  last_took_ = took;
}

// By whole milliseconds, so that nothing is lost however often it is asked.
void RepairPace::pay_off(Instant now, std::uint64_t rate) {
  if (owed_bytes_ == 0 || now - paid_until_ > pause_max) {
    owed_bytes_ = 0;
    paid_until_ = now;
    return;
  }
  const auto passed = static_cast<std::uint64_t>((now - paid_until_) / 1ms);
  paid_until_ += std::chrono::milliseconds(passed);
  const std::uint64_t paid = rate / 1'000 * passed + rate % 1'000 * passed / 1'000;
  owed_bytes_ -= std::min(owed_bytes_, paid);
}

void RepairPace::on_copied(Instant now, Duration took, std::uint64_t bytes) {
  note_took(now, took);
  copied_bytes_ += bytes;
  const std::int64_t number = second_of(now);
  Second& second = seconds_[static_cast<std::size_t>(number) % window_seconds];
  if (second.number != number) second = {number, 0};
  second.bytes += bytes;
}

std::uint64_t RepairPace::bytes_a_second(Instant now) const {
  std::uint64_t sum = 0;
  for (const Second& second : seconds_) {
    const std::int64_t age = second_of(now) - second.number;
    if (second.number >= 0 && age < static_cast<std::int64_t>(window_seconds)) sum += second.bytes;
  }
  return sum / window_seconds;
}

}  // namespace pixmesh
