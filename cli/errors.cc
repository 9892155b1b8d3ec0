#include "cli/errors.h"

namespace pixmesh {
namespace {

std::string_view hint_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::not_found:
      return "List the names with 'pixmesh ls'.";
    case ErrorCode::fewer_copies:
    case ErrorCode::stale:
      return "See which nodes are missing with 'pixmesh status'.";
    case ErrorCode::unreachable:
      return "See which nodes are missing with 'pixmesh status', or name another with --node.";
    case ErrorCode::overloaded:
      return "Try again in a moment; 'pixmesh status' shows the queues.";
    case ErrorCode::timed_out:
      return "Give it longer with --timeout, or look at 'pixmesh status'.";
    case ErrorCode::corrupt:
      return "Try again; 'pixmesh where NAME' shows the holders.";
    case ErrorCode::no_space:
      return "Remove images with 'pixmesh rm', or add a node with 'pixmesh node run --join'.";
    case ErrorCode::failed:
    case ErrorCode::usage:  // whose detail says it
    case ErrorCode::denied:
    case ErrorCode::tool_failed:
    case ErrorCode::malformed:
      break;
  }
  return "";
}

bool ends_sentence(std::string_view text) {
  return text.empty() || text.back() == '.' || text.back() == '?' || text.back() == '!' ||
         text.back() == '\n';
}

}  // namespace

int exit_code_of(ErrorCode code) {
  if (code == ErrorCode::malformed) return static_cast<int>(ErrorCode::failed);
  if (code == ErrorCode::stale) return static_cast<int>(ErrorCode::unreachable);
  return static_cast<int>(code);
}

std::string_view word_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
      return "usage";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::fewer_copies:
      return "fewer_copies";
    case ErrorCode::unreachable:
    case ErrorCode::stale:
      return "unreachable";
    case ErrorCode::denied:
      return "denied";
    case ErrorCode::overloaded:
      return "busy";
    case ErrorCode::timed_out:
      return "timed_out";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::tool_failed:
      return "tool_failed";
    case ErrorCode::no_space:
      return "no_space";
    case ErrorCode::failed:
    case ErrorCode::malformed:
      break;
  }
  return "failed";
}

std::string advice_of(const Error& error) {
  std::string text = error.detail.empty() ? std::string(word_of(error.code)) : error.detail;
  text = printable(text, true);
  if (error.code == ErrorCode::tool_failed) return "the tool failed:\n" + text;
  const std::string_view hint = hint_of(error.code);
  const bool says_what_to_type = text.find("pixmesh ") != std::string::npos ||
                                 text.find("--") != std::string::npos ||
                                 text.find("did you mean") != std::string::npos;
  if (!ends_sentence(text)) text += '.';
  if (!hint.empty() && !says_what_to_type) text += " " + std::string(hint);
  return text;
}

std::string message_of(const Error& error) { return "pixmesh: " + advice_of(error); }

std::string exit_code_help() {
  return "Exit codes:\n"
         "    0 ok              1 failed           2 usage           3 not found\n"
         "    4 done, but with fewer copies than asked\n"
         "    5 unreachable or no quorum           6 denied          7 busy, retry later\n"
         "    8 timed out       9 integrity       10 the tool failed (its stderr is shown)\n"
         "   11 no space      130 interrupted\n";
}

std::string printable(std::string_view text, bool keep_lines) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    const bool kept = keep_lines && (byte == '\n' || byte == '\t');
    // U+0080 … U+009F in UTF-8: terminals take them for the start of a command as well.
    const bool high_control = byte == 0xc2 && next >= 0x80 && next <= 0x9f;
    clean += kept || (byte >= 0x20 && byte != 0x7f && !high_control) ? text[i] : '?';
    if (high_control) ++i;
  }
  return clean;
}

}  // namespace pixmesh
