#include "host/system/event_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "host/system/clocks.h"

namespace pixmesh {

void EventQueue::post(HostEvent event) {
  bool loop_sleeps = false;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto* message = std::get_if<MessageArrived>(&event)) {
      if (!has_room_for(*message)) {
        ++dropped_;
        return;
      }
      message_bytes_ += message->message.size();
      ++messages_;
    }
    events_.push_back(std::move(event));
    waiting_max_ = std::max(waiting_max_, events_.size());
    if (sleeper_ && *sleeper_ != std::this_thread::get_id()) {
      loop_sleeps = true;
      sleeper_.reset();
    }
  }
  if (loop_sleeps) wake_.wake();
  arrived_.notify_one();
}

void EventQueue::serve_while_waiting(LoopSource* source) { source_ = source; }

bool EventQueue::has_room_for(const MessageArrived& arrived) const {
  if (arrived.chunk) return true;
  return messages_ < limits_.messages_max &&
         message_bytes_ + arrived.message.size() <= limits_.message_bytes_max;
}

bool EventQueue::wait_next(Instant deadline, HostEvent& out) {
  if (source_ != nullptr) return wait_with_source(deadline, out);
  const std::chrono::steady_clock::time_point until(deadline.time_since_epoch());
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_until(lock, until, [this] { return !events_.empty(); })) return false;
  take(out);
  return true;
}

bool EventQueue::wait_with_source(Instant deadline, HostEvent& out) {
  std::unique_lock lock(mutex_);
  for (bool has_served = false;; has_served = true) {
    const bool is_empty = events_.empty();
    if (!is_empty && (has_served || taken_ < taken_max)) break;
    const Duration patience = is_empty ? deadline - monotonic_now() : Duration{};
    if (is_empty && has_served && patience <= Duration{}) return false;
    if (is_empty) sleeper_ = std::this_thread::get_id();
    lock.unlock();
    source_->serve(wake_.fd(), std::max(patience, Duration{}));
    taken_ = 0;
    lock.lock();
    if (is_empty && !sleeper_) wake_.clear();  // somebody woke us
    sleeper_.reset();
  }
  ++taken_;
  take(out);
  return true;
}

void EventQueue::take(HostEvent& out) {
  out = std::move(events_.front());
  events_.pop_front();
  if (const auto* message = std::get_if<MessageArrived>(&out)) {
    message_bytes_ -= message->message.size();
    --messages_;
  }
}

std::uint64_t EventQueue::dropped_count() const {
  const std::scoped_lock lock(mutex_);
  return dropped_;
}

std::size_t EventQueue::waiting_count() const {
  const std::scoped_lock lock(mutex_);
  return events_.size();
}

std::size_t EventQueue::waiting_max() const {
  const std::scoped_lock lock(mutex_);
  return waiting_max_;
}

}  // namespace pixmesh
