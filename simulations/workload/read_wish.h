#pragma once

#include "simulations/workload/wish.h"

namespace pixmesh {

/// Looks a name up and fetches its bytes from one holder after the other.
class ReadWish : public Wish {
 public:
  ReadWish(WishContext context, Event event, bool audit);
  void begin() override;

 private:
  void attempt();
  void on_found(const Message* message);
  void fetch(std::size_t holder);
  void on_received(std::size_t holder, const ReceiveCourse* course);

  bool audit_;
  Instant begun_;
  std::uint32_t attempts_ = 0;
  std::uint32_t asked_ = 0;
  LookupAnswer found_;
};

/// Lists everything that starts with the event's name, page by page.
class ListWish : public Wish {
 public:
  ListWish(WishContext context, Event event, bool audit);
  void begin() override;

 private:
  void ask(std::string after);
  void on_page(const Message* message);

  bool audit_;
  Instant begun_;
  std::uint32_t asked_ = 0;
  std::vector<ListEntry> entries_;
  bool complete_ = true;
};

}  // namespace pixmesh
