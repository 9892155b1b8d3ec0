#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pixmesh::studies {

using Json = nlohmann::ordered_json;

/// One fact of a table: as people read it and as programs do.
struct Cell {
  std::string text;
  std::variant<std::nullptr_t, bool, std::uint64_t, double, std::string> value;
};
[[nodiscard]] Cell word(std::string text);
[[nodiscard]] Cell count(std::uint64_t number);
/// @param decimals  0 … 9, of the text; the value keeps the same ones, so that both say the same.
[[nodiscard]] Cell number(double number, int decimals);
[[nodiscard]] Cell yes_or_no(bool holds);
[[nodiscard]] Cell nothing();  // "-" and null: the fact does not exist for this row

struct Column {
  std::string key;    // of the JSON object
  std::string title;  // with its unit
};

struct Table {
  std::string key;  // of the JSON object
  std::string caption;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  // each has a cell a column
};

struct Point {
  double x = 0;
  double y = 0;
};
struct Series {
  std::string name;
  std::vector<Point> points;  // by x
  bool dashed = false;        // goals and formulas, not measured
};
struct Chart {
  std::string title;
  std::string x_title;
  std::string y_title;
  bool x_logarithmic = false;  // then every x is above 0
  std::vector<Series> series;
};

/// What a study found. The same options and seed give the same report, except in tables about the
/// speed of the study itself.
struct Report {
  std::string study;
  std::uint64_t seed = 0;
  std::vector<Table> tables;
  std::vector<Chart> charts;
};

/// Every table: its caption, a title line, the rows; columns two spaces apart.
[[nodiscard]] std::string text_of(const Report& report);
/// One object: `study`, `seed`, and under each table's key a list of objects.
[[nodiscard]] Json json_of(const Report& report);

}  // namespace pixmesh::studies
