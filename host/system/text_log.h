#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/log.h"
#include "base/result.h"

namespace pixmesh {

/// One line an event, to stderr or a file:
/// `2026-11-24T11:30:08.123Z info member_suspected member=ab12 silent_for=2.1s`.
/// A value that is empty or holds a space, `"`, `=` or `\` is put in quotes; control characters
/// are written as `\n` or `\x1b`, so that no value can forge a line or drive a terminal.
/// Safe from any thread; each line is one write.
class TextLog : public Log {
 public:
  /// Writes to stderr what is at least as weighty as `least`.
  explicit TextLog(LogLevel least);
  TextLog(const TextLog&) = delete;
  TextLog& operator=(const TextLog&) = delete;
  ~TextLog() override;

  /// Appends to the file `path`, which is made if it is missing (mode 0640).
  /// Errors: `failed` if it cannot be opened.
  [[nodiscard]] static Result<std::unique_ptr<TextLog>> open(const std::string& path,
                                                             LogLevel least);

  void event(LogLevel level, std::string_view name,
             std::initializer_list<LogField> fields) override;

 private:
  TextLog(int fd, LogLevel least) : fd_(fd), least_(least) {}

  std::mutex mutex_;
  const int fd_;
  const LogLevel least_;
};

/// `value` as it stands in a line.
[[nodiscard]] std::string log_value(std::string_view value);

}  // namespace pixmesh
