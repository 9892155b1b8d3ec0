#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "base/invariant.h"

namespace pixmesh {

/// A code exists only where some caller acts differently on it; the detail is for people.
/// The values go over the wire: append only.
enum class ErrorCode : std::uint8_t {
  failed = 1,        // nothing more precise is known
  usage = 2,         // the asker's words are wrong; the detail says what to type instead
  not_found = 3,     // a quorum says: no such thing
  fewer_copies = 4,  // done, but with fewer copies than asked
  unreachable = 5,   // no quorum, or nobody answers
  denied = 6,        // another mesh, a bad signature, not allowed
  overloaded = 7,    // busy; the same call may succeed later
  timed_out = 8,     // the deadline passed; the effect is unknown
  corrupt = 9,       // bytes do not have the digest they should have
  tool_failed = 10,  // the command-line tool failed; the detail is its stderr
  no_space = 11,     // a disk is full
  malformed = 12,    // bytes that are no message, record or file of ours
  stale = 13,        // the asker's lists are not the holder's; ask for a fresh row and retry
};

struct Error {
  ErrorCode code;
  std::string detail;  // what was tried, and on what; one line, no secrets
};

/// A value, or why there is none. Named after std::expected, so that it can become it.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::move(value)) {}
  Result(Error error) : held_(std::move(error)) {}

  [[nodiscard]] bool has_value() const { return std::holds_alternative<T>(held_); }
  explicit operator bool() const { return has_value(); }
  [[nodiscard]] const T& value() const& {
    invariant(has_value(), "value() is asked only of a success");
    return *std::get_if<T>(&held_);
  }
  [[nodiscard]] T&& value() && {
    invariant(has_value(), "value() is asked only of a success");
    return std::move(*std::get_if<T>(&held_));
  }
  [[nodiscard]] const T* operator->() const { return &value(); }
  [[nodiscard]] const Error& error() const {
    invariant(!has_value(), "error() is asked only of a failure");
    return *std::get_if<Error>(&held_);
  }

 private:
  std::variant<T, Error> held_;
};

struct Done {};  // Result<Done>: it worked, and there is nothing to tell

}  // namespace pixmesh
