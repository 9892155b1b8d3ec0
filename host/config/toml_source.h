#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "base/result.h"

namespace pixmesh {

/// A TOML text that knows its file's name, so that every complaint says where: "name:12: …".
class TomlSource {
 public:
  /// Errors: malformed, with the place and the parser's words.
  [[nodiscard]] static Result<TomlSource> parse(std::string_view text, std::string_view file_name);

  [[nodiscard]] const toml::table& root() const { return root_; }

  /// A complaint about a place in the file. Code: malformed.
  [[nodiscard]] Error fault(const toml::source_region& place, const std::string& words) const;
  [[nodiscard]] std::string place_of(const toml::source_region& place) const;

  /// Errors: malformed at the first key that is none of `known`, with the nearest of them.
  [[nodiscard]] Result<Done> check_keys(const toml::table& table,
                                        std::span<const std::string> known) const;

  // What stands in a node, or a complaint that says what should: "'wall' must be a text".
  [[nodiscard]] Result<std::string> text_of(std::string_view key, const toml::node& node) const;
  [[nodiscard]] Result<std::vector<std::string>> texts_of(std::string_view key,
                                                          const toml::node& node) const;
  [[nodiscard]] Result<bool> bool_of(std::string_view key, const toml::node& node) const;
  [[nodiscard]] Result<const toml::table*> table_of(std::string_view key,
                                                    const toml::node& node) const;
  [[nodiscard]] Error wrong_type(std::string_view key, const toml::node& node,
                                 std::string_view wanted) const;

 private:
  TomlSource(std::string file_name, toml::table root);

  std::string file_name_;
  toml::table root_;
};

/// One line of a table, in the order of the file.
struct TomlEntry {
  std::string key;
  toml::source_region place;  // of the key
  const toml::node* value = nullptr;
};
[[nodiscard]] std::vector<TomlEntry> entries_of(const toml::table& table);

}  // namespace pixmesh
