#include "host/system/event_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace pixmesh {

void EventQueue::post(HostEvent event) {
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
  }
  arrived_.notify_one();
}

bool EventQueue::has_room_for(const MessageArrived& arrived) const {
  if (arrived.chunk) return true;
  return messages_ < limits_.messages_max &&
         message_bytes_ + arrived.message.size() <= limits_.message_bytes_max;
}

bool EventQueue::wait_next(Instant deadline, HostEvent& out) {
  const std::chrono::steady_clock::time_point until(deadline.time_since_epoch());
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_until(lock, until, [this] { return !events_.empty(); })) return false;
  out = std::move(events_.front());
  events_.pop_front();
  if (const auto* message = std::get_if<MessageArrived>(&out)) {
    message_bytes_ -= message->message.size();
    --messages_;
  }
  return true;
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
