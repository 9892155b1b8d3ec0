#include <algorithm>

#include "base/limits.h"
#include "client/attempts.h"

// A shell beside an image: where to open it, and the talk with it.
namespace pixmesh {
namespace {

constexpr Duration node_patience = 6s;
constexpr Duration end_patience = 2s;  // of a node that is told to end a shell

/// The talk with one node.
class ShellTalk {
 public:
  ShellTalk(Client::Session& session, HolderAddress node, RequestId request, ShellUser& user)
      : session_(session), node_(std::move(node)), request_(request), user_(user) {}

  [[nodiscard]] Result<ShellOpened> open(ShellOpen wish);
  [[nodiscard]] Result<ShellReceipt> talk();

 private:
  [[nodiscard]] Result<Done> hear_all();
  [[nodiscard]] Result<Done> on_output(ShellOutput output);
  [[nodiscard]] Result<Done> say_all(Instant now);
  [[nodiscard]] Result<Done> say(const Message& message);
  [[nodiscard]] bool may_type() const { return !input_ended_ && typed_ < input_until_; }
  [[nodiscard]] Result<ShellReceipt> receipt() const;

  Client::Session& session_;
  HolderAddress node_;
  RequestId request_;
  ShellUser& user_;
  std::optional<ShellEnded> ended_;
  std::uint64_t typed_ = 0;  // pieces that were sent
  std::uint64_t input_until_ = shell_pieces_max;
  bool input_ended_ = false;
  std::uint64_t heard_ = 0;     // pieces that came
  std::uint64_t credited_ = 0;  // of those shown, as the node knows
  Instant heard_at_ = monotonic_now();
  Instant alive_at_;
};

Result<ShellOpened> ShellTalk::open(ShellOpen wish) {
  wish.operation = session_.next_operation();
  wish.request = request_;
  auto opened = answered(session_.ask<ShellOpened>(node_.control, wish, session_.deadline()));
  if (!opened) (void)session_.send(node_.control, ShellClose{request_});
  heard_at_ = monotonic_now();  // the check of a large copy takes its time
  return opened;
}

Result<Done> ShellTalk::say(const Message& message) {
  if (session_.send(node_.control, message)) return Done{};
  return Error{ErrorCode::unreachable, "the node at " + node_.control + " fell silent"};
}

Result<Done> ShellTalk::on_output(ShellOutput output) {
  if (output.index != heard_) {
    return Error{ErrorCode::failed, "the connection lost some of what the shell printed"};
  }
  ++heard_;
  user_.show(std::move(output.bytes), output.is_error);
  return Done{};
}

Result<Done> ShellTalk::hear_all() {
  for (;;) {
    auto arrival = session_.receive(node_.control, Instant{});
    if (!arrival) return Done{};  // nothing more for now
    std::optional<Message> came = std::move(arrival).value().message;
    if (!came) continue;
    Message& message = *came;
    heard_at_ = monotonic_now();
    if (auto* output = std::get_if<ShellOutput>(&message);
        output != nullptr && output->request == request_) {
      if (auto done = on_output(std::move(*output)); !done) return done;
    } else if (const auto* credit = std::get_if<ShellCredit>(&message);
               credit != nullptr && credit->request == request_) {
      input_until_ = std::max(input_until_, credit->until);
    } else if (const auto* ended = std::get_if<ShellEnded>(&message);
               ended != nullptr && ended->request == request_) {
      ended_ = *ended;
      return Done{};
    }
  }
}

Result<Done> ShellTalk::say_all(Instant now) {
  if (const std::uint64_t shown = user_.shown(); shown > credited_) {
    credited_ = shown;
    if (auto done = say(ShellCredit{request_, shown + shell_pieces_max}); !done) return done;
  }
  if (const auto size = user_.resized()) {
    if (auto done = say(ShellResize{request_, size->rows, size->columns}); !done) return done;
  }
  while (may_type()) {
    const auto typed = user_.take(shell_piece_bytes_max);
    if (!typed) break;
    const ByteView bytes = bytes_of(typed->bytes);
    input_ended_ = typed->ended;
    if (auto done =
            say(ShellInput{request_, typed_++, Bytes(bytes.begin(), bytes.end()), typed->ended});
        !done) {
      return done;
    }
  }
  if (now < alive_at_ + shell_alive_every) return Done{};
  alive_at_ = now;
  return say(ShellAlive{request_});
}

Result<ShellReceipt> ShellTalk::receipt() const {
  const bool of_command = ended_->code == ErrorCode::tool_failed && ended_->signal == 0;
  if (ended_->code != ErrorCode{} && !of_command) return Error{ended_->code, ended_->detail};
  return ShellReceipt{node_.node, node_.control, ended_->exit_status, ended_->signal};
}

Result<ShellReceipt> ShellTalk::talk() {
  std::optional<Instant> left_at;
  for (;;) {
    if (auto heard = hear_all(); !heard) {
      (void)session_.send(node_.control, ShellClose{request_});
      return heard.error();
    }
    const Instant now = monotonic_now();
    if (ended_) {
      if (!left_at) user_.finish();
      return receipt();
    }
    if (!left_at && user_.has_left()) {
      left_at = now;
      (void)session_.send(node_.control, ShellClose{request_});
    }
    if (left_at && now >= *left_at + end_patience) {
      return Error{ErrorCode::timed_out, "interrupted"};
    }
    if (now >= heard_at_ + node_patience) {
      return Error{ErrorCode::unreachable, "the node at " + node_.control + " fell silent"};
    }
    if (!left_at) {
      if (auto said = say_all(now); !said) return said.error();
    }
    const auto descriptors = left_at ? std::vector<int>() : user_.watched(may_type());
    session_.wait_for(node_.control, descriptors, shell_alive_every);
  }
}

RunInput input_of(const LookupAnswer& found) {
  RunInput input;
  input.partition = found.partition;
  input.digest = found.record.digest;
  input.size = found.record.size;
  input.media = found.record.media;
  input.checksums = found.record.checksums;
  return input;
}

/// Living holders; the one that is wanted, if one is.
Result<std::vector<HolderAddress>> places_of(const LookupAnswer& found,
                                             const ShellOptions& options) {
  std::vector<HolderAddress> places;
  for (const HolderAddress& holder : found.holders) {
    if (holder.alive && (!options.on || holder.node == *options.on)) places.push_back(holder);
  }
  if (!places.empty()) return places;
  if (!options.on) return Error{ErrorCode::unreachable, "no holder of the image answers"};
  std::string holders;
  for (const HolderAddress& holder : found.holders) {
    holders += (holders.empty() ? "" : ", ") + short_text(holder.node);
  }
  return Error{ErrorCode::usage, "node " + short_text(*options.on) +
                                     " has no copy of the image, or is silent; " + holders +
                                     " have it"};
}

}  // namespace

Result<ShellReceipt> Client::shell(const ShellOptions& options, ShellUser& user) {
  const auto found = stat(options.name, options.strict);
  if (!found) return found.error();
  const auto places = places_of(found.value(), options);
  if (!places) return places.error();
  ShellOpen wish;
  wish.input = input_of(found.value());
  wish.name = options.name;
  wish.who = options.who;
  wish.words = options.words;
  wish.terminal = options.terminal.has_value();
  wish.rows = options.terminal.value_or(TerminalSize{}).rows;
  wish.columns = options.terminal.value_or(TerminalSize{}).columns;
  wish.term = options.term;
  Error last{ErrorCode::unreachable, "no holder was asked"};
  for (const HolderAddress& place : places.value()) {
    ShellTalk talk(*session_, place, session_->fresh_request(), user);
    const auto opened = talk.open(wish);
    if (opened) {
      user.opened(place.node, place.control, opened->path);
      return talk.talk();
    }
    last = opened.error();
    const bool is_ours = last.code == ErrorCode::usage || last.code == ErrorCode::malformed;
    if (session_->cancelled() || is_ours) return last;
  }
  return last;
}

}  // namespace pixmesh
