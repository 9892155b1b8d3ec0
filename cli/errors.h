#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace pixmesh {

inline constexpr int exit_ok = 0;
inline constexpr int exit_usage = 2;
inline constexpr int exit_interrupted = 130;

/// The exit code of a failure: the number of its ErrorCode. What only nodes tell one another is
/// folded into what people know: `malformed` is 1 (failed), `stale` 5 (no quorum).
[[nodiscard]] int exit_code_of(ErrorCode code);

/// A word for scripts: "not_found", "no_space", … The same for every exit code, and stable.
[[nodiscard]] std::string_view word_of(ErrorCode code);

/// "pixmesh: no image 'cat.jpg'. List the names with 'pixmesh ls'." — what, why, and what to type
/// next. A hint is added only when the detail names no command itself. Control characters that
/// would steer a terminal become `?`; lines and tabs stay, because a tool's stderr has them.
[[nodiscard]] std::string message_of(const Error& error);

/// The same without "pixmesh: " in front.
[[nodiscard]] std::string advice_of(const Error& error);

/// The table of exit codes that `--help` ends with.
[[nodiscard]] std::string exit_code_help();

/// A text with `?` in the place of control characters, but for line feeds and tabs if `keep_lines`.
[[nodiscard]] std::string printable(std::string_view text, bool keep_lines = false);

}  // namespace pixmesh
