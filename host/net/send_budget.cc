#include "host/net/send_budget.h"

#include <utility>

#include "base/limits.h"

namespace pixmesh {

/// Owned by the frame: ZeroMQ hands it back to `give_back`, on whichever thread sent the frame,
/// and maybe after the budget itself is gone.
struct SendBudget::Charged {
  Bytes message;
  std::shared_ptr<Load> plane;
  std::shared_ptr<Load> link;
  // Written last and read first: it orders the two threads in terms that ThreadSanitizer, which
  // cannot see ZeroMQ's own ordering, understands.
  std::atomic<std::uint64_t> bytes;
};

SendBudget::SendBudget(Plane plane, SendLimits limits, TransportCounts& counts)
    : limits_(limits), counts_(counts), next_id_(plane == Plane::control ? 2 : 3) {}

LinkId SendBudget::add_link() {
  const std::scoped_lock lock(mutex_);
  const LinkId link{next_id_};
  next_id_ += 2;
  links_.emplace(link.raw, std::make_shared<Load>());
  return link;
}

void SendBudget::remove_link(LinkId link) {
  const std::scoped_lock lock(mutex_);
  links_.erase(link.raw);
}

bool SendBudget::knows(LinkId link) const {
  const std::scoped_lock lock(mutex_);
  return links_.contains(link.raw);
}

std::optional<zmq::message_t> SendBudget::charge(LinkId link, Bytes message,
                                                 std::uint64_t chunk_bytes) {
  const auto refuse = [this](TransportCount why) {
    counts_.add(why);
    return std::nullopt;
  };
  if (message.size() > message_bytes_max) return refuse(TransportCount::dropped_too_large);
  const std::uint64_t bytes = message.size() + chunk_bytes;
  const std::scoped_lock lock(mutex_);
  const auto found = links_.find(link.raw);
  if (found == links_.end()) return refuse(TransportCount::dropped_unknown_link);
  const std::shared_ptr<Load>& load = found->second;
  if (load->count >= limits_.link_count_max || load->bytes + bytes > limits_.link_bytes_max ||
      plane_load_->bytes + bytes > limits_.plane_bytes_max) {
    return refuse(TransportCount::dropped_queue_full);
  }
  for (Load* const charged : {load.get(), plane_load_.get()}) {
    charged->bytes += bytes;
    ++charged->count;
  }
  auto* const kept = new Charged{std::move(message), plane_load_, load, {}};
  void* const start = kept->message.data();
  const std::size_t size = kept->message.size();
  kept->bytes.store(bytes, std::memory_order_release);
  return zmq::message_t(start, size, &give_back, kept);
}

void SendBudget::give_back(void* /*bytes*/, void* charged) {
  const std::unique_ptr<Charged> kept(static_cast<Charged*>(charged));
  const std::uint64_t bytes = kept->bytes.load(std::memory_order_acquire);
  for (Load* const load : {kept->link.get(), kept->plane.get()}) {
    load->bytes -= bytes;
    --load->count;
  }
}

bool SendBudget::has_room(LinkId link) const {
  const std::scoped_lock lock(mutex_);
  const auto found = links_.find(link.raw);
  return found != links_.end() && plane_load_->bytes < limits_.plane_bytes_max / 8 &&
         found->second->bytes < limits_.link_bytes_max / 32;
}

std::uint64_t SendBudget::queued_bytes() const { return plane_load_->bytes; }

}  // namespace pixmesh
