#include "simulations/workload/wish.h"

#include "simulations/workload/read_wish.h"
#include "simulations/workload/run_wish.h"
#include "simulations/workload/write_wish.h"

namespace pixmesh {

Wish::Wish(WishContext context, Event event) : context_(context), event_(std::move(event)) {
  ++*context_.open_count;
}

Wish::~Wish() { --*context_.open_count; }

std::optional<std::uint32_t> Wish::via(std::uint32_t attempt) const {
  const std::uint32_t count = context_.world.node_count();
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t node = (event_.node + attempt + i) % count;
    if (context_.world.is_running(node)) return node;
  }
  return std::nullopt;
}

std::shared_ptr<Wish> wish_of(const WishContext& context, const Event& event) {
  switch (event.kind) {
    case EventKind::put:
    case EventKind::put_twice:
    case EventKind::put_broken:
    case EventKind::put_absent:
    case EventKind::put_again:
    case EventKind::remove:
    case EventKind::remove_again:
    case EventKind::tag:
    case EventKind::copy:
      return std::make_shared<WriteWish>(context, event);
    case EventKind::get:
    case EventKind::get_broken:
      return std::make_shared<ReadWish>(context, event, false);
    case EventKind::list:
      return std::make_shared<ListWish>(context, event, false);
    case EventKind::run:
    case EventKind::storm:
      return std::make_shared<RunWish>(context, event);
    default:
      return nullptr;
  }
}

std::shared_ptr<Wish> audit_of(const WishContext& context, const Event& event) {
  if (event.kind == EventKind::list) return std::make_shared<ListWish>(context, event, true);
  return std::make_shared<ReadWish>(context, event, true);
}

Bytes content_of(const Event& put) {
  return MeshWorld::sample_image(static_cast<std::size_t>(put.amount), put.number);
}

}  // namespace pixmesh
