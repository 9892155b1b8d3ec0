#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cli/errors.h"

namespace pixmesh {
namespace {

/// @returns false when nobody reads it.
bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Duration since_boot() { return std::chrono::steady_clock::now().time_since_epoch(); }

}  // namespace

bool colour_allowed(bool terminal, const char* no_color, const char* term) {
  if (!terminal || (no_color != nullptr && *no_color != '\0')) return false;
  return term != nullptr && std::string_view(term) != "dumb" && *term != '\0';
}

void Output::write(int fd, std::string_view text) {
  if (fd == options_.result_fd && broken_) return;
  if (!write_all(fd, text) && fd == options_.result_fd) broken_ = true;
}

void Output::print(std::string_view text) {
  if (!options_.json) write(options_.result_fd, text);
}

void Output::object(const Json& object) {
  if (!options_.json) return;
  Json whole{{"schema", json_schema}};
  whole.update(object);
  // A name may hold bytes that are no UTF-8; they must not end the listing.
  const std::string line = whole.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  write(options_.json_on_error ? options_.talk_fd : options_.result_fd, line);
}

void Output::say(std::string_view text) {
  if (!options_.quiet) write(options_.talk_fd, printable(text, true) + "\n");
}

int Output::fail(const Error& error, Json facts) {
  const std::string text = message_of(error);
  write(options_.talk_fd, text.ends_with('\n') ? text : text + "\n");
  facts["error"] = word_of(error.code);
  facts["exit"] = exit_code_of(error.code);
  facts["detail"] = error.detail;
  object(facts);
  return exit_code_of(error.code);
}

ProgressLine::ProgressLine(const Output& output, std::string label)
    : on_(output.options().animation && !output.options().quiet),
      fd_(output.options().talk_fd),
      label_(printable(label)),
      started_(since_boot()) {}

ProgressLine::~ProgressLine() {
  if (visible_) (void)write_all(fd_, "\r\033[K");
}

bool ProgressLine::may_draw() {
  const Duration now = since_boot();
  if (!on_ || now - drawn_ < 100ms) return false;
  drawn_ = now;
  visible_ = true;
  return true;
}

void ProgressLine::show(std::uint64_t done, std::uint64_t total) {
  if (!may_draw()) return;
  const std::string text = progress_text(label_, done, total, since_boot() - started_);
  (void)write_all(fd_, "\r\033[K" + text);
}

void ProgressLine::show_text(std::string_view text) {
  if (may_draw()) (void)write_all(fd_, "\r\033[K" + label_ + "  " + printable(text));
}

std::string progress_text(std::string_view label, std::uint64_t done, std::uint64_t total,
                          Duration elapsed) {
  std::string text(label);
  if (total > 0) text += "  " + std::to_string(std::min(done, total) * 100 / total) + "%";
  text += "  " + size_at_a_glance(done);
  if (total > 0) text += " of " + size_at_a_glance(total);
  const auto milliseconds = static_cast<std::uint64_t>(elapsed / 1ms);
  if (milliseconds == 0 || done == 0) return text;
  const std::uint64_t rate = done * 1000 / milliseconds;
  text += "  " + size_at_a_glance(rate) + "/s";
  if (total > done && rate > 0) {
    text +=
        "  " + span_at_a_glance(std::chrono::milliseconds((total - done) * 1000 / rate)) + " left";
  }
  return text;
}

}  // namespace pixmesh
