#include "host/config/toml_source.h"

#include <algorithm>
#include <utility>

#include "processing/closest.h"

namespace pixmesh {

Result<TomlSource> TomlSource::parse(std::string_view text, std::string_view file_name) {
  try {
    return TomlSource(std::string(file_name), toml::parse(text, file_name));
  } catch (const toml::parse_error& error) {
    return TomlSource(std::string(file_name), {})
        .fault(error.source(), shown(error.description().substr(0, 60)));
  }
}

TomlSource::TomlSource(std::string file_name, toml::table root)
    : file_name_(std::move(file_name)), root_(std::move(root)) {}

std::string TomlSource::place_of(const toml::source_region& place) const {
  return file_name_ + ":" + std::to_string(place.begin.line);
}

Error TomlSource::fault(const toml::source_region& place, const std::string& words) const {
  return {ErrorCode::malformed, place_of(place) + ": " + words};
}

Result<Done> TomlSource::check_keys(const toml::table& table,
                                    std::span<const std::string> known) const {
  for (const TomlEntry& entry : entries_of(table)) {
    if (std::ranges::find(known, entry.key) != known.end()) continue;
    const std::string near = suggestion(entry.key, known);
    return fault(entry.place, "unknown key '" + shown(entry.key) + "'" +
                                  (near.empty() ? "; known are " + join_names(known) : near));
  }
  return Done{};
}

Error TomlSource::wrong_type(std::string_view key, const toml::node& node,
                             std::string_view wanted) const {
  return fault(node.source(), "'" + shown(key) + "' must be " + std::string(wanted));
}

Result<std::string> TomlSource::text_of(std::string_view key, const toml::node& node) const {
  if (const auto* text = node.as_string()) return text->get();
  return wrong_type(key, node, "a text in quotes");
}

Result<std::vector<std::string>> TomlSource::texts_of(std::string_view key,
                                                      const toml::node& node) const {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_type(key, node, "a list of texts: [\"…\", \"…\"]");
  std::vector<std::string> texts;
  for (const toml::node& element : *list) {
    Result<std::string> text = text_of(key, element);
    if (!text) return text.error();
    texts.push_back(std::move(text).value());
  }
  return texts;
}

Result<bool> TomlSource::bool_of(std::string_view key, const toml::node& node) const {
  if (const auto* value = node.as_boolean()) return value->get();
  return wrong_type(key, node, "true or false");
}

Result<const toml::table*> TomlSource::table_of(std::string_view key,
                                                const toml::node& node) const {
  if (const toml::table* table = node.as_table()) return table;
  return wrong_type(key, node, "a table");
}

std::vector<TomlEntry> entries_of(const toml::table& table) {
  std::vector<TomlEntry> entries;
  for (const auto& [key, value] : table) {
    entries.push_back({std::string(key.str()), key.source(), &value});
  }
  std::ranges::stable_sort(entries, [](const TomlEntry& a, const TomlEntry& b) {
    return std::pair(a.place.begin.line, a.place.begin.column) <
           std::pair(b.place.begin.line, b.place.begin.column);
  });
  return entries;
}

}  // namespace pixmesh
