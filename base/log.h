#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace pixmesh {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// One typed fact of an event, already in its text form: `silent_for=2.1s`.
struct LogField {
  std::string_view key;
  std::string value;
};

/// Where events are told. Names are stable, because tests and operators read them:
/// `member_suspected member=… silent_for=…`. One line a state change, none a message.
class Log {
 public:
  virtual ~Log() = default;
  virtual void event(LogLevel level, std::string_view name,
                     std::initializer_list<LogField> fields) = 0;
};

}  // namespace pixmesh
