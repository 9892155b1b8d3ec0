#pragma once

#include "simulations/workload/wish.h"

namespace pixmesh {

/// Has a tool run on an image and fetches the result, as the product's client does: candidates in
/// their order, a word every second while it waits, a word at the end.
class RunWish : public Wish {
 public:
  RunWish(WishContext context, Event event);
  void begin() override;

 private:
  void on_candidates(const Message* message);
  void start(std::size_t candidate);
  void on_done(std::size_t candidate, const Message* message);
  void waits_at(std::uint32_t node);
  void keep_alive(std::uint32_t node);
  void fetch(std::size_t candidate, std::uint64_t size);
  void on_output(std::size_t candidate, const ReceiveCourse* course);
  void deliver(std::size_t candidate, const Bytes& output);

  RequestId request_;
  bool force_;  // shares no run with others
  RunCandidates where_;
  std::optional<std::uint32_t> waits_for_;  // the node that runs it
  std::uint32_t delivered_ = 0;
};

}  // namespace pixmesh
