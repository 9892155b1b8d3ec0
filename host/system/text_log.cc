#include "host/system/text_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "host/system/clocks.h"

namespace pixmesh {
namespace {

const char* text_of_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "error";
}

std::string text_of_time(WallTime time) {
  const auto seconds = static_cast<std::time_t>(time.microseconds / 1'000'000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> day{};
  std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03uZ",
                static_cast<unsigned>(time.microseconds / 1000 % 1000));
  return std::string(day.data()) + fraction.data();
}

bool is_control(char c) {
  const auto code = static_cast<unsigned char>(c);
  return code < 0x20 || code == 0x7f;
}

void append_escaped(std::string& out, char c) {
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (is_control(c)) {
    std::array<char, 5> code{};
    std::snprintf(code.data(), code.size(), "\\x%02x", static_cast<unsigned char>(c));
    out += code.data();
  } else {
    out += c;
  }
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (is_control(c) || c == ' ' || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

void write_all(int fd, std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(fd, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // a log that cannot be written stops no node
    line.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

std::string log_value(std::string_view value) {
  if (!needs_quotes(value)) return std::string(value);
  std::string out = "\"";
  for (const char c : value) append_escaped(out, c);
  return out + '"';
}

TextLog::TextLog(LogLevel least) : TextLog(STDERR_FILENO, least) {}

TextLog::~TextLog() {
  if (fd_ != STDERR_FILENO) ::close(fd_);
}

Result<std::unique_ptr<TextLog>> TextLog::open(const std::string& path, LogLevel least) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) {
    return Error{ErrorCode::failed, "cannot open log file " + path + ": " + std::strerror(errno)};
  }
  return std::unique_ptr<TextLog>(new TextLog(fd, least));
}

void TextLog::event(LogLevel level, std::string_view name, std::initializer_list<LogField> fields) {
  if (level < least_) return;
  std::string line = text_of_time(wall_now()) + ' ' + text_of_level(level) + ' ';
  line += name;
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=' + log_value(field.value);
  }
  line += '\n';
  const std::scoped_lock lock(mutex_);
  write_all(fd_, line);
}

}  // namespace pixmesh
