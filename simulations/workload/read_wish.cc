#include "simulations/workload/read_wish.h"

namespace pixmesh {
namespace {

constexpr Duration lookup_patience = 12s;
constexpr Duration bytes_patience = 15s;
constexpr std::uint32_t read_attempts_max = 3;
constexpr std::uint32_t page_size = 5;  // small, so that pages are turned
constexpr std::uint32_t credit = 4;

}  // namespace

ReadWish::ReadWish(WishContext context, Event event, bool audit)
    : Wish(context, std::move(event)), audit_(audit), begun_(now()) {}

void ReadWish::begin() { attempt(); }

void ReadWish::attempt() {
  const auto node = via(attempts_++);
  if (!node) return;
  asked_ = *node;
  begun_ = now();
  auto self = std::static_pointer_cast<ReadWish>(shared_from_this());
  context_.client.ask(asked_, LookupRequest{{}, event_.name, false}, lookup_patience,
                      [self](const Message* message) { self->on_found(message); });
}

void ReadWish::on_found(const Message* message) {
  const auto* found = message == nullptr ? nullptr : std::get_if<LookupAnswer>(message);
  context_.observer.on_lookup({event_.name, asked_, begun_, found, audit_});
  if (found == nullptr || found->code == ErrorCode::unreachable) {
    if (!audit_ && attempts_ < read_attempts_max) attempt();
    return;
  }
  if (found->code != ErrorCode{}) return;
  found_ = *found;
  fetch(0);
}

void ReadWish::fetch(std::size_t holder) {
  if (holder >= found_.holders.size()) {
    context_.observer.on_bytes({found_.record, asked_, nullptr, audit_});
    return;
  }
  const std::uint32_t from = context_.world.number_of(found_.holders[holder].node);
  const ImageRecord& record = found_.record;
  StreamOpen open{{},
                  credit,
                  std::nullopt,
                  found_.partition,
                  record.digest,
                  record.media,
                  record.size,
                  record.checksums,
                  0};
  auto self = std::static_pointer_cast<ReadWish>(shared_from_this());
  const Duration patience = event_.kind == EventKind::get_broken ? 3ms : bytes_patience;
  context_.client.receive(
      from, std::move(open), patience,
      [self, holder](const ReceiveCourse* course) { self->on_received(holder, course); });
}

void ReadWish::on_received(std::size_t holder, const ReceiveCourse* course) {
  if (event_.kind == EventKind::get_broken) return;
  if (course != nullptr && course->complete) {
    context_.observer.on_bytes({found_.record, asked_, &course->bytes, audit_});
    return;
  }
  fetch(holder + 1);
}

ListWish::ListWish(WishContext context, Event event, bool audit)
    : Wish(context, std::move(event)), audit_(audit), begun_(now()) {}

void ListWish::begin() {
  const auto node = via(0);
  if (!node) return;
  asked_ = *node;
  ask("");
}

void ListWish::ask(std::string after) {
  auto self = std::static_pointer_cast<ListWish>(shared_from_this());
  context_.client.ask(asked_, ListRequest{{}, event_.name, std::move(after), page_size, {}, {}},
                      lookup_patience, [self](const Message* message) { self->on_page(message); });
}

void ListWish::on_page(const Message* message) {
  const auto* page = message == nullptr ? nullptr : std::get_if<ListAnswer>(message);
  const bool answered = page != nullptr && page->code == ErrorCode{};
  if (answered) {
    entries_.insert(entries_.end(), page->entries.begin(), page->entries.end());
    complete_ = complete_ && page->complete;
    if (page->more && !page->entries.empty()) return ask(page->entries.back().name);
  }
  context_.observer.on_list(
      {event_.name, asked_, begun_, entries_, complete_ && answered, answered, audit_});
}

}  // namespace pixmesh
