#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "replication/record.h"

namespace pixmesh {

enum class Align : std::uint8_t { left, right };

enum class Colour : std::uint8_t { plain, green, yellow, red, dim };

/// The text in that colour for a terminal; `plain` changes nothing.
[[nodiscard]] std::string painted(Colour colour, std::string_view text);

struct Column {
  std::string title;
  Align align = Align::left;
};

/// Rows of text in columns that are as wide as their widest cell, two spaces apart:
///
///     NODE      STATE    IMAGES
///     5ad0c0d1  active      120
///
/// Control characters become `?`. Widths count characters of UTF-8, not bytes.
class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<std::string> cells, Colour colour = Colour::plain);  // a cell a column

  /// Title line and rows, each ended by a line feed; no blanks at the ends of lines.
  /// @param coloured  whether rows get their colour.
  [[nodiscard]] std::string text(bool coloured = false) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    Colour colour = Colour::plain;
  };
  [[nodiscard]] std::vector<std::size_t> widths() const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

/// A size at a glance, in powers of 1000 and three digits: "13.2MB", "512B", "1.00TB".
[[nodiscard]] std::string size_at_a_glance(std::uint64_t bytes);

/// A time span at a glance: "850ms", "2.1s", "3m05s", "2h07m".
[[nodiscard]] std::string span_at_a_glance(Duration span);

/// "2026-11-24T12:06:57Z" of microseconds since 1970.
[[nodiscard]] std::string time_text(std::uint64_t microseconds);

/// A version as people compare it: its clock and the first digits of its writer,
/// "1795521600000000-5ad0c0d1".
[[nodiscard]] std::string version_text(const Version& version);

/// `part / whole` with two decimals: "1.03"; "-" when `whole` is 0.
[[nodiscard]] std::string ratio_text(std::uint64_t part, std::uint64_t whole);

/// How many characters a terminal shows for this UTF-8 text, if all are one cell wide.
[[nodiscard]] std::size_t shown_width(std::string_view text);

}  // namespace pixmesh
