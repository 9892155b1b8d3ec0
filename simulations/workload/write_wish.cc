#include "simulations/workload/write_wish.h"

#include "base/digest.h"

namespace pixmesh {
namespace {

constexpr std::uint32_t write_attempts_max = 4;
constexpr Duration patience = 20s;  // for one attempt
constexpr Duration pause_between = 500ms;

bool uploads(EventKind kind) {
  return kind == EventKind::put || kind == EventKind::put_twice || kind == EventKind::put_broken ||
         kind == EventKind::put_absent || kind == EventKind::put_again;
}

}  // namespace

WriteWish::WriteWish(WishContext context, Event event) : Wish(context, std::move(event)) {
  write_.number = event_.number;
  write_.request = context_.client.wire().fresh_request();
  write_.name = event_.name;
  write_.begun = now();
  if (uploads(event_.kind)) {
    bytes_ = content_of(event_);
    write_.digest = digest_of(bytes_);
  } else if (event_.kind == EventKind::remove || event_.kind == EventKind::remove_again) {
    write_.kind = WriteKind::deletion;
  } else if (event_.kind == EventKind::tag) {
    write_.kind = WriteKind::tags;
  }
}

std::shared_ptr<WriteWish> WriteWish::self() {
  return std::static_pointer_cast<WriteWish>(shared_from_this());
}

void WriteWish::begin() {
  if (event_.kind != EventKind::copy) context_.oracle.on_begun(write_);
  attempt();
  if (event_.kind == EventKind::put_twice) attempt();
}

SimClient::Answered WriteWish::hears_from(std::uint32_t node) {
  return [self = self(), node](const Message* message) {
    if (self->said_again_) return self->on_second_answer(node, message);
    self->on_answer(node, message);
  };
}

void WriteWish::attempt() {
  const auto node = via(attempts_++);
  if (!node) return try_later();
  context_.oracle.on_tried(write_.name, write_.request);
  if (uploads(event_.kind)) return upload(*node);
  if (event_.kind == EventKind::copy) return copy(*node);
  revise(*node);
}

void WriteWish::upload(std::uint32_t node) {
  PutWish wish;
  wish.request = write_.request;
  wish.if_absent = event_.kind == EventKind::put_absent;
  const auto course =
      context_.client.put(node, write_.name, bytes_, wish, patience, hears_from(node));
  if (event_.kind == EventKind::put_broken) {
    context_.client.wire().stall(course);
    attempts_ = write_attempts_max;
  }
}

void WriteWish::revise(std::uint32_t node) {
  Message message = RemoveRequest{{}, write_.request, write_.name};
  if (write_.kind == WriteKind::tags) {
    message =
        TagRequest{{}, write_.request, write_.name, {{"number", std::to_string(write_.number)}}};
  }
  context_.client.ask(node, std::move(message), patience, hears_from(node));
}

// A copy is a lookup of the source, and then a write of the new name with the bytes found.
void WriteWish::copy(std::uint32_t node) {
  const std::string source = event_.name;
  context_.client.ask(
      node, LookupRequest{{}, source, true}, patience,
      [self = self(), node, source](const Message* message) {
        const auto* found = message == nullptr ? nullptr : std::get_if<LookupAnswer>(message);
        if (found == nullptr || found->code != ErrorCode{}) return;  // nothing to copy
        std::vector<NodeId> holders;
        for (const HolderAddress& holder : found->holders) holders.push_back(holder.node);
        self->write_.name = source + "-copy";
        self->write_.digest = found->record.digest;
        self->context_.oracle.on_begun(self->write_);
        self->context_.client.ask(
            node, CopyRequest{{}, self->write_.request, self->write_.name, found->record, holders},
            patience, [self, node](const Message* answer) {
              self->attempts_ =
                  write_attempts_max;  // the source may change before a second attempt
              self->on_answer(node, answer);
            });
      });
}

void WriteWish::on_answer(std::uint32_t node, const Message* message) {
  const auto* done = message == nullptr ? nullptr : std::get_if<WriteDone>(message);
  if (done == nullptr) return try_later();
  if (done->code == ErrorCode{} && done->stored) {
    over_ = true;
    context_.oracle.on_acknowledged(write_.name, write_.request, now(), done->version);
    const NameHistory* history = context_.oracle.history_of(write_.name);
    context_.observer.on_write({*history->find(write_.request), node, *done, false});
    return say_again();
  }
  const bool for_good = done->code == ErrorCode::usage || done->code == ErrorCode::not_found ||
                        done->code == ErrorCode{};
  if (!for_good) return try_later();
  // An earlier attempt may have done it, and its answer been lost.
  if (attempts_ <= 1) context_.oracle.on_refused(write_.name, write_.request);
  over_ = true;
}

// Only a wish that was sent once has one version for sure.
void WriteWish::say_again() {
  const bool repeats =
      event_.kind == EventKind::put_again || event_.kind == EventKind::remove_again;
  if (!repeats || attempts_ != 1) return;
  context_.client.after(event_.lasting, [self = self()] {
    self->said_again_ = true;
    self->attempt();
  });
}

void WriteWish::on_second_answer(std::uint32_t node, const Message* message) {
  const auto* done = message == nullptr ? nullptr : std::get_if<WriteDone>(message);
  if (done == nullptr || done->code != ErrorCode{}) return;
  const NameHistory* history = context_.oracle.history_of(write_.name);
  context_.observer.on_write({*history->find(write_.request), node, *done, true});
}

void WriteWish::try_later() {
  if (over_ || attempts_ >= write_attempts_max) return;
  context_.client.after(pause_between, [self = self()] {
    if (!self->over_) self->attempt();
  });
}

}  // namespace pixmesh
