#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace pixmesh {

/// Reads a number of bytes: digits and a unit, one of nothing or B, kB/KB, MB, GB, TB (powers of
/// 1000), KiB, MiB, GiB, TiB (powers of 1024). `10GB` is 10^10 bytes, `2GiB` is 2^31; a fraction of
/// up to six digits is allowed with a unit: `1.5GiB`. At most 2^63 - 1.
/// Errors: usage, with examples of what to type.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// Reads a time span: digits and a unit, one of ns, us, ms, s, m, h, d: `500ms`, `10s`, `5m`,
/// `1.5h`. `0` needs no unit. At most 292 years. Errors: usage.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// Reads a decimal number as a count of millionths: `-1.25` is -1250000. At most 12 digits before
/// and 6 after the point; no exponent, no leading `+`. Errors: usage.
[[nodiscard]] Result<std::int64_t> parse_millionths(std::string_view text);

/// Reads a whole number of at most 18 digits, with `-` in front or not. Errors: usage.
[[nodiscard]] Result<std::int64_t> parse_integer(std::string_view text);

/// The shortest text that `parse_size` reads back as exactly this: `2GiB`, `10GB`, `1234B`.
[[nodiscard]] std::string print_size(std::uint64_t bytes);
/// The same for a time span >= 0: `1m`, `250ms`, `1500us`.
[[nodiscard]] std::string print_duration(Duration span);
/// The same for millionths: `-1.25`, `3`, `0.000001`.
[[nodiscard]] std::string print_millionths(std::int64_t millionths);

}  // namespace pixmesh
