#pragma once

#include "simulations/workload/wish.h"

namespace pixmesh {

/// A put, deletion, change of tags or copy. It is repeated with the same request id at the next
/// node until it is acknowledged, refused for good, or was tried `write_attempts_max` times.
class WriteWish : public Wish {
 public:
  WriteWish(WishContext context, Event event);
  void begin() override;

 private:
  void attempt();
  void upload(std::uint32_t node);
  void revise(std::uint32_t node);
  void copy(std::uint32_t node);
  [[nodiscard]] SimClient::Answered hears_from(std::uint32_t node);
  void on_answer(std::uint32_t node, const Message* message);
  void try_later();
  void say_again();
  void on_second_answer(std::uint32_t node, const Message* message);
  [[nodiscard]] std::shared_ptr<WriteWish> self();

  Write write_;
  Bytes bytes_;
  std::uint32_t attempts_ = 0;
  bool over_ = false;
  bool said_again_ = false;
};

}  // namespace pixmesh
