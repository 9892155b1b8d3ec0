#include "cli/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "base/invariant.h"
#include "cli/errors.h"

namespace pixmesh {
namespace {

template <typename... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), format, values...);
  return {text.data(), static_cast<std::size_t>(std::max(size, 0))};
}

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::green:
      return "\033[32m";
    case Colour::yellow:
      return "\033[33m";
    case Colour::red:
      return "\033[31m";
    case Colour::dim:
      return "\033[2m";
    case Colour::plain:
      break;
  }
  return "";
}

std::string padded(const std::string& cell, std::size_t width, Align align) {
  const std::string blanks(width - std::min(width, shown_width(cell)), ' ');
  return align == Align::right ? blanks + cell : cell + blanks;
}

}  // namespace

std::string painted(Colour colour, std::string_view text) {
  if (colour == Colour::plain) return std::string(text);
  return std::string(code_of(colour)) + std::string(text) + "\033[0m";
}

void TextTable::add(std::vector<std::string> cells, Colour colour) {
  invariant(cells.size() == columns_.size(), "a row has a cell for each column");
  for (std::string& cell : cells) cell = printable(cell);
  Row row;
  row.cells = std::move(cells);
  row.colour = colour;
  rows_.push_back(std::move(row));
}

std::vector<std::size_t> TextTable::widths() const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(shown_width(column.title));
  for (const Row& row : rows_) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], shown_width(row.cells[i]));
    }
  }
  return widths;
}

std::string TextTable::text(bool coloured) const {
  const std::vector<std::size_t> all_widths = widths();
  const auto line_of = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      line += (i == 0 ? "" : "  ") + padded(cells[i], all_widths[i], columns_[i].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  };
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  std::string all = line_of(titles) + "\n";
  for (const Row& row : rows_) {
    all += painted(coloured ? row.colour : Colour::plain, line_of(row.cells)) + "\n";
  }
  return all;
}

std::string size_at_a_glance(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 999.5 would be printed as 1000 of the smaller unit.
  for (; amount >= 999.5 && unit + 1 < units.size(); ++unit) amount /= 1000;
  if (unit == 0) return std::to_string(bytes) + "B";
  const int decimals = amount < 9.995 ? 2 : amount < 99.95 ? 1 : 0;
  return formatted("%.*f%s", decimals, amount, units.at(unit));
}

std::string span_at_a_glance(Duration span) {
  const auto milliseconds = static_cast<long long>(span / 1ms);
  const long long seconds = milliseconds / 1000;
  if (milliseconds < 1000) return std::to_string(milliseconds) + "ms";
  if (seconds < 60) return formatted("%lld.%llds", seconds, milliseconds % 1000 / 100);
  if (seconds < 3600) return formatted("%lldm%02llds", seconds / 60, seconds % 60);
  return formatted("%lldh%02lldm", seconds / 3600, seconds % 3600 / 60);
}

std::string time_text(std::uint64_t microseconds) {
  const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return "-";
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

std::string version_text(const Version& version) {
  return std::to_string(version.clock) + "-" + short_text(version.writer);
}

std::string ratio_text(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  return formatted("%.2f", static_cast<double>(part) / static_cast<double>(whole));
}

std::size_t shown_width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace pixmesh
