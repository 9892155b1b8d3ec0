#include "processing/quantity.h"

#include <array>
#include <optional>
#include <span>

#include "base/rng.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 11> size_units{{{"B", 1},
                                           {"kB", 1'000},
                                           {"KB", 1'000},
                                           {"KiB", 1ULL << 10},
                                           {"MB", 1'000'000},
                                           {"MiB", 1ULL << 20},
                                           {"GB", 1'000'000'000},
                                           {"GiB", 1ULL << 30},
                                           {"TB", 1'000'000'000'000},
                                           {"TiB", 1ULL << 40},
                                           {"", 1}}};
constexpr std::array<Unit, 7> time_units{{{"ns", 1},
                                          {"us", 1'000},
                                          {"ms", 1'000'000},
                                          {"s", 1'000'000'000},
                                          {"m", 60'000'000'000},
                                          {"h", 3'600'000'000'000},
                                          {"d", 86'400'000'000'000}}};
constexpr std::uint64_t million = 1'000'000;
constexpr std::uint64_t count_max = (1ULL << 63) - 1;

struct Decimal {
  std::uint64_t whole = 0;
  std::uint64_t millionths = 0;
  bool fraction = false;
  std::string_view rest;  // what follows the number
};

/// Takes up to `digits_max` digits off the front of `text`; none if it has none or more.
std::optional<std::uint64_t> take_digits(std::string_view& text, std::size_t digits_max,
                                         std::size_t& taken) {
  std::uint64_t value = 0;
  for (taken = 0; taken < text.size() && text[taken] >= '0' && text[taken] <= '9'; ++taken) {
    if (taken == digits_max) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(text[taken] - '0');
  }
  if (taken == 0) return std::nullopt;
  text.remove_prefix(taken);
  return value;
}

std::optional<Decimal> take_decimal(std::string_view text, std::size_t digits_max) {
  std::size_t taken = 0;
  const std::optional<std::uint64_t> whole = take_digits(text, digits_max, taken);
  if (!whole) return std::nullopt;
  Decimal number{.whole = *whole};
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::optional<std::uint64_t> fraction = take_digits(text, 6, taken);
    if (!fraction) return std::nullopt;
    number.fraction = true;
    number.millionths = *fraction;
    for (; taken < 6; ++taken) number.millionths *= 10;
  }
  number.rest = text;
  return number;
}

std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) {
  const std::optional<Decimal> number = take_decimal(text, 18);
  if (!number || (number->fraction && number->rest.empty())) return std::nullopt;
  for (const Unit& unit : units) {
    if (number->rest != unit.name) continue;
    const Wide total = static_cast<Wide>(number->whole) * unit.factor +
                       static_cast<Wide>(number->millionths) * unit.factor / million;
    if (total > count_max) return std::nullopt;
    return static_cast<std::uint64_t>(total);
  }
  return std::nullopt;
}

/// The largest unit that divides `count`; among units with equally long texts the first wins.
std::string print_with_unit(std::uint64_t count, std::span<const Unit> units) {
  std::string best;
  for (const Unit& unit : units) {
    if (unit.name.empty() || count % unit.factor != 0) continue;
    const std::string text = std::to_string(count / unit.factor) + std::string(unit.name);
    if (best.empty() || text.size() < best.size()) best = text;
  }
  return best;
}

Error not_a(std::string_view what, std::string_view text, std::string_view examples) {
  return {ErrorCode::usage,
          "'" + shown(text) + "' is no " + std::string(what) + "; write " + std::string(examples)};
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  if (const auto bytes = parse_with_unit(text, size_units)) return *bytes;
  return not_a("size", text, "it like 512MiB, 10GB or 1.5TiB");
}

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration{};
  if (const auto span = parse_with_unit(text, time_units)) return Duration(*span);
  return not_a("time span", text, "it like 500ms, 10s, 5m or 2h");
}

Result<std::int64_t> parse_millionths(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::optional<Decimal> number = take_decimal(text.substr(negative ? 1 : 0), 12);
  if (!number || !number->rest.empty()) {
    return not_a("number", text, "it like 0.5 or 12, with up to six decimals");
  }
  const auto count = static_cast<std::int64_t>(number->whole * million + number->millionths);
  return negative ? -count : count;
}

Result<std::int64_t> parse_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string_view digits = text.substr(negative ? 1 : 0);
  std::size_t taken = 0;
  const std::optional<std::uint64_t> number = take_digits(digits, 18, taken);
  if (!number || !digits.empty()) return not_a("whole number", text, "digits only, like 800");
  const auto count = static_cast<std::int64_t>(*number);
  return negative ? -count : count;
}

std::string print_size(std::uint64_t bytes) {
  return bytes == 0 ? "0B" : print_with_unit(bytes, size_units);
}

std::string print_duration(Duration span) {
  invariant(span >= Duration{}, "only spans into the future are printed");
  if (span == Duration{}) return "0s";
  return print_with_unit(static_cast<std::uint64_t>(span.count()), time_units);
}

std::string print_millionths(std::int64_t millionths) {
  const bool negative = millionths < 0;
  const auto count = negative ? ~static_cast<std::uint64_t>(millionths) + 1
                              : static_cast<std::uint64_t>(millionths);
  std::string text = (negative ? "-" : "") + std::to_string(count / million);
  std::string fraction = std::to_string(count % million + million).substr(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return fraction.empty() ? text : text + "." + fraction;
}

}  // namespace pixmesh
