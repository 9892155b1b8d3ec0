#include "node/shells.h"

#include <algorithm>
#include <utility>

#include "replication/record.h"

namespace pixmesh {
namespace {

constexpr std::uint32_t cells_max = 1'000;  // rows or columns
constexpr std::size_t term_bytes_max = 32;

std::uint32_t sound_size(std::uint32_t cells) { return std::clamp(cells, 1U, cells_max); }

/// Programs look for a file of this name.
std::string sound_term(const std::string& text) {
  const bool sound =
      !text.empty() && text.size() <= term_bytes_max && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-';
      });
  return sound ? text : "dumb";
}

Result<Done> check_words(const std::vector<std::string>& words) {
  std::size_t bytes = 0;
  for (const std::string& word : words) {
    bytes += word.size() + 1;
    if (word.find('\0') != std::string::npos) {
      return Error{ErrorCode::malformed, "a word of the command has a byte of value zero"};
    }
  }
  if (words.size() <= shell_words_max && bytes <= shell_words_bytes_max) return Done{};
  return Error{ErrorCode::usage, "the command is too long; feed it to the shell's stdin instead"};
}

std::string seconds_of(Duration span) {
  return std::to_string(std::max<Duration>(span, Duration{}) / 1s);
}

const char* cause_of(ToolEnd end) {
  if (end == ToolEnd::cpu_limit) return "the command went over the CPU time of a tool";
  if (end == ToolEnd::memory_limit) return "the command went over the memory of a tool";
  return "a signal ended the command";
}

ShellEnded ended_with(const ShellOver& over) {
  ShellEnded told;
  switch (over.end) {
    case ToolEnd::finished:
      break;
    case ToolEnd::exit_status:
      told.code = ErrorCode::tool_failed;
      told.exit_status = static_cast<std::uint32_t>(over.exit_status);
      told.detail = "the command ended with status " + std::to_string(over.exit_status);
      break;
    case ToolEnd::not_started:
      told.code = ErrorCode::failed;
      told.detail = over.error_text;
      break;
    default:
      told.code = ErrorCode::tool_failed;
      told.signal = static_cast<std::uint32_t>(over.exit_status);
      told.detail = cause_of(over.end);
  }
  return told;
}

}  // namespace

Shells::Shells(const NodeOptions& options, ShellHost* host, Log& log, Post& post)
    : host_(host),
      log_(log),
      post_(post),
      shells_max_(options.shells),
      sandboxed_(options.sandbox != "off") {}

Result<Done> Shells::check(const ShellOpen& wish, std::optional<std::uint32_t> disk) const {
  if (!sandboxed_) {
    return Error{ErrorCode::denied,
                 "this node runs tools without a sandbox (--sandbox=off), and a shell outside of "
                 "one would be a login for everybody"};
  }
  if (shells_max_ == 0 || host_ == nullptr) {
    return Error{ErrorCode::denied, "this node gives no shells (--shells 0)"};
  }
  if (closed_) return Error{ErrorCode::overloaded, "the node stops"};
  if (shells_.size() >= shells_max_) {
    return Error{ErrorCode::overloaded, "as many shells are open on this node as it allows, " +
                                            std::to_string(shells_max_) + " (--shells)"};
  }
  if (!disk) return Error{ErrorCode::not_found, "this node does not hold the image"};
  const bool is_long = wish.name.size() > name_bytes_max || wish.who.size() > shell_text_bytes_max;
  if (is_long) return Error{ErrorCode::malformed, "a name is too long"};
  return check_words(wish.words);
}

void Shells::on_open(Instant now, LinkId from, const ShellOpen& wish,
                     std::optional<std::uint32_t> disk) {
  const bool known = std::ranges::any_of(
      shells_, [&](const auto& one) { return one.second.open.request == wish.request; });
  if (known) return;  // it has its answer, or gets it
  if (const Result<Done> sound = check(wish, disk); !sound) {
    log_.event(LogLevel::info, "shell_refused",
               {{"name", wish.name}, {"who", wish.who}, {"reason", sound.error().detail}});
    return post_.to_link(from,
                         ShellOpened{wish.operation, sound.error().code, sound.error().detail, {}});
  }
  const RunId id{shell_numbers | ++last_};
  Shell& shell = shells_[id];
  shell.asker = from;
  shell.open = wish;
  shell.disk = *disk;
  shell.opened_at = shell.last_byte_at = now;
  hear(now, shell);
  checks_.push_back(
      {id,
       {wish.input, wish.input.partition, blob_path(wish.input.digest, wish.input.media), true}});
}

std::vector<Shells::Check> Shells::take_checks() { return std::exchange(checks_, {}); }

bool Shells::reads(std::uint32_t disk, PartitionId partition) const {
  return std::ranges::any_of(shells_, [&](const auto& one) {
    const Shell& shell = one.second;
    return shell.step == Step::checking && shell.disk == disk &&
           shell.open.input.partition == partition;
  });
}

ShellStart Shells::start_of(RunId id, const Shell& shell) const {
  const ShellOpen& wish = shell.open;
  ShellStart start;
  start.shell = id;
  start.words = wish.words;
  if (wish.terminal) {
    start.terminal =
        ShellTerminal{sound_size(wish.rows), sound_size(wish.columns), sound_term(wish.term)};
  }
  start.input_path = blob_path(wish.input.digest, wish.input.media);
  start.input_extension = extension_of(wish.input.media);
  start.disk = shell.disk;
  start.limits.wall = shell_max;
  return start;
}

void Shells::on_verified(Instant now, RunId id, bool intact) {
  const auto place = shells_.find(id);
  if (place == shells_.end()) return;  // its asker has gone
  Shell& shell = place->second;
  if (!intact) {
    post_.to_link(shell.asker, ShellOpened{shell.open.operation,
                                           ErrorCode::corrupt,
                                           "this node's copy of the image is damaged",
                                           {}});
    shells_.erase(place);
    return;
  }
  shell.step = Step::running;
  shell.last_byte_at = now;
  if (!shell.link_closed_at) hear(now, shell);  // it had to wait in silence
  const ShellStart start = start_of(id, shell);
  post_.to_link(shell.asker,
                ShellOpened{shell.open.operation, {}, {}, "/job/in." + start.input_extension});
  log_.event(LogLevel::info, "shell_opened",
             {{"name", shell.open.name},
              {"who", shell.open.who},
              {"link", std::to_string(shell.asker.raw)},
              {"request", to_text(shell.open.request)},
              {"terminal", start.terminal ? "true" : "false"}});
  host_->open_shell(start);
}

std::optional<RunId> Shells::find(RequestId request, LinkId from) const {
  for (const auto& [id, shell] : shells_) {
    if (shell.open.request == request && shell.asker == from) return id;
  }
  return std::nullopt;
}

// Last words of a client that was killed may be read after the news of its end.
void Shells::hear(Instant now, Shell& shell) {
  if (shell.link_closed_at && now < *shell.link_closed_at + echo_patience) return;
  shell.link_closed_at.reset();
  shell.asker_until = now + asker_patience;
}

template <typename Told>
bool Shells::take(Instant now, LinkId from, const Told& told) {
  const auto id = find(told.request, from);
  if (id) {
    hear(now, shells_.at(*id));
    on_told(now, *id, told);
  } else if constexpr (std::is_same_v<Told, ShellAlive>) {
    post_.to_link(from, ShellEnded{told.request, ErrorCode::not_found,
                                   "the node does not know this shell any more", 0, 0});
  }
  return true;
}

bool Shells::on_message(Instant now, LinkId from, const Message& message) {
  return std::visit(
      [&]<typename T>(const T& told) {
        if constexpr (std::is_same_v<T, ShellInput> || std::is_same_v<T, ShellCredit> ||
                      std::is_same_v<T, ShellResize> || std::is_same_v<T, ShellAlive> ||
                      std::is_same_v<T, ShellClose>) {
          return take(now, from, told);
        }
        return false;
      },
      message);
}

void Shells::on_told(Instant now, RunId id, const ShellInput& input) {
  Shell& shell = shells_.at(id);
  if (shell.step == Step::ending) return;
  const bool sound = shell.step == Step::running && !shell.input_ended &&
                     input.index == shell.pieces_in &&
                     input.index < shell.pieces_taken + shell_pieces_max &&
                     input.bytes.size() <= shell_piece_bytes_max;
  if (!sound) {
    return end(now, id, ErrorCode::failed, "input was lost on its way, or more than may come");
  }
  ++shell.pieces_in;
  shell.last_byte_at = now;
  shell.bytes_in += input.bytes.size();
  host_->feed_shell(id, std::string(text_of(input.bytes)));
  if (!input.ended) return;
  shell.input_ended = true;
  host_->end_shell_input(id);
}

// Who sits at it cannot have taken more than was said.
void Shells::on_told(Instant, RunId id, const ShellCredit& credit) {
  const Shell& shell = shells_.at(id);
  if (shell.step != Step::running) return;
  host_->allow_shell(id, std::min(credit.until, shell.pieces_out + shell_pieces_max));
}

void Shells::on_told(Instant, RunId id, const ShellResize& size) {
  if (shells_.at(id).step != Step::running) return;
  host_->resize_shell(id, sound_size(size.rows), sound_size(size.columns));
}

void Shells::on_told(Instant, RunId id, const ShellAlive& alive) {
  post_.to_link(shells_.at(id).asker, alive);
}

void Shells::on_told(Instant now, RunId id, const ShellClose&) {
  end(now, id, ErrorCode::failed, "it was closed");
}

void Shells::on_news(Instant now, const ShellNews& news) {
  if (!shells_.contains(news.shell)) return;
  std::visit([&](const auto& one) { on_piece(now, news.shell, one); }, news.what);
}

void Shells::on_piece(Instant now, RunId id, const ShellSaid& said) {
  Shell& shell = shells_.at(id);
  if (shell.step == Step::ending) return;
  shell.last_byte_at = now;
  shell.bytes_out += said.bytes.size();
  const ByteView bytes = bytes_of(said.bytes);
  post_.to_link(shell.asker, ShellOutput{shell.open.request, shell.pieces_out++,
                                         Bytes(bytes.begin(), bytes.end()), said.is_error});
}

void Shells::on_piece(Instant, RunId id, const ShellTook&) {
  Shell& shell = shells_.at(id);
  ++shell.pieces_taken;
  post_.to_link(shell.asker,
                ShellCredit{shell.open.request, shell.pieces_taken + shell_pieces_max});
}

void Shells::on_piece(Instant now, RunId id, const ShellOver& over) {
  const Shell& shell = shells_.at(id);
  ShellEnded told = ended_with(over);
  if (shell.step == Step::ending) {
    told.code = shell.code;
    told.detail = shell.detail;
  }
  told.request = shell.open.request;
  bury(now, id, told);
}

void Shells::end(Instant now, RunId id, ErrorCode code, std::string detail) {
  Shell& shell = shells_.at(id);
  if (shell.step == Step::ending) return;
  if (shell.step == Step::checking) {
    post_.to_link(shell.asker, ShellOpened{shell.open.operation, code, std::move(detail), {}});
    shells_.erase(id);
    return;
  }
  shell.step = Step::ending;
  shell.code = code;
  shell.detail = std::move(detail);
  shell.last_byte_at = now;
  host_->close_shell(id);
}

void Shells::bury(Instant now, RunId id, const ShellEnded& told) {
  const Shell& shell = shells_.at(id);
  log_.event(LogLevel::info, "shell_ended",
             {{"name", shell.open.name},
              {"who", shell.open.who},
              {"request", to_text(shell.open.request)},
              {"seconds", seconds_of(now - shell.opened_at)},
              {"bytes_in", std::to_string(shell.bytes_in)},
              {"bytes_out", std::to_string(shell.bytes_out)},
              {"reason", told.detail.empty() ? "it ended" : told.detail}});
  post_.to_link(shell.asker, told);
  shells_.erase(id);
}

void Shells::on_link_closed(Instant now, LinkId link) {
  for (auto& [id, shell] : shells_) {
    if (shell.asker != link) continue;
    shell.link_closed_at = now;
    shell.asker_until = std::min(shell.asker_until, now + closed_patience);
  }
}

// Who waits for the check of a large copy says nothing meanwhile.
bool Shells::waits_for_check(const Shell& shell) {
  return shell.step == Step::checking && !shell.link_closed_at;
}

void Shells::on_deadline(Instant now) {
  std::vector<std::pair<RunId, const char*>> due;
  for (const auto& [id, shell] : shells_) {
    if (shell.step == Step::ending) continue;
    if (now >= shell.asker_until && !waits_for_check(shell)) {
      due.emplace_back(id, "nobody sits at it any more");
    } else if (now >= shell.opened_at + shell_max) {
      due.emplace_back(id, "the time of a shell is over, an hour");
    } else if (now >= shell.last_byte_at + idle_max) {
      due.emplace_back(id, "nothing was typed or printed for ten minutes");
    }
  }
  for (const auto& [id, why] : due) end(now, id, ErrorCode::timed_out, why);
}

std::optional<Instant> Shells::next_deadline() const {
  std::optional<Instant> first;
  for (const auto& [id, shell] : shells_) {
    if (shell.step == Step::ending) continue;
    Instant due = std::min(shell.opened_at + shell_max, shell.last_byte_at + idle_max);
    if (!waits_for_check(shell)) due = std::min(due, shell.asker_until);
    if (!first || due < *first) first = due;
  }
  return first;
}

void Shells::end_all(Instant now) {
  closed_ = true;
  std::vector<RunId> all;
  for (const auto& [id, shell] : shells_) all.push_back(id);
  for (const RunId id : all) end(now, id, ErrorCode::overloaded, "the node stops");
}

}  // namespace pixmesh
