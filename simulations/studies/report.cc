#include "simulations/studies/report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/invariant.h"

namespace pixmesh::studies {
namespace {

std::vector<std::size_t> widths_of(const Table& table) {
  std::vector<std::size_t> widths;
  for (const Column& column : table.columns) widths.push_back(column.title.size());
  for (const std::vector<Cell>& row : table.rows) {
    invariant(row.size() == widths.size(), "a row has a cell for each column");
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].text.size());
    }
  }
  return widths;
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - text.size(), ' ');
  return right ? blanks + text : text + blanks;
}

std::string text_of(const Table& table) {
  const std::vector<std::size_t> widths = widths_of(table);
  std::string all = table.caption + "\n\n";
  const auto add_line = [&](const auto& text_at, const auto& is_right) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      line += (i == 0 ? "" : "  ") + padded(text_at(i), widths[i], is_right(i));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    all += line + "\n";
  };
  const auto is_number = [&](std::size_t i) {
    return !table.rows.empty() && !std::holds_alternative<std::string>(table.rows.front()[i].value);
  };
  add_line([&](std::size_t i) { return table.columns[i].title; }, is_number);
  for (const std::vector<Cell>& row : table.rows) {
    add_line([&](std::size_t i) { return row[i].text; }, is_number);
  }
  return all;
}

}  // namespace

Cell word(std::string text) { return {text, text}; }

Cell count(std::uint64_t number) { return {std::to_string(number), number}; }

Cell number(double number, int decimals) {
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  const std::string shown(text.data(), static_cast<std::size_t>(std::max(size, 0)));
  return {shown, std::stod(shown)};
}

Cell yes_or_no(bool holds) { return {holds ? "yes" : "no", holds}; }

Cell nothing() { return {"-", nullptr}; }

std::string text_of(const Report& report) {
  std::string all;
  for (const Table& table : report.tables) {
    all += (all.empty() ? "" : "\n") + text_of(table);
  }
  return all;
}

Json json_of(const Report& report) {
  Json all{{"study", report.study}, {"seed", report.seed}};
  for (const Table& table : report.tables) {
    Json& rows = all[table.key] = Json::array();
    for (const std::vector<Cell>& row : table.rows) {
      Json& object = rows.emplace_back(Json::object());
      for (std::size_t i = 0; i < row.size(); ++i) {
        std::visit([&](const auto& value) { object[table.columns[i].key] = value; }, row[i].value);
      }
    }
  }
  return all;
}

}  // namespace pixmesh::studies
