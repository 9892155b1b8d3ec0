#pragma once

#include <string>
#include <string_view>
#include <vector>

// Just enough of C++ and CMake to check rules by reading. No parser: a rule that would need one is
// left to the compiler.
namespace pixmesh::architecture {

/// Part of an identifier or number.
[[nodiscard]] bool is_word(char c);

/// The source with its comments blanked out; lines keep their numbers.
[[nodiscard]] std::string without_comments(std::string_view source);
/// The same, and what stands between quotes is blanked out too (not in `#include` lines).
[[nodiscard]] std::string code_of(std::string_view source);

[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);

struct Include {
  std::string path;
  bool quoted = false;  // "…", else <…>
  std::size_t line = 0;
};
[[nodiscard]] std::vector<Include> includes_of(std::string_view source);

/// What CMake builds out of a folder.
struct Target {
  std::string name;                  // of the module or program
  bool is_module = false;            // pixmesh_module
  std::vector<std::string> uses;     // modules its public headers may show
  std::vector<std::string> links;    // further modules, only for its own parts
  std::vector<std::string> headers;  // public ones; file names
  std::vector<std::string> sources;
};
/// The targets that pixmesh_module, pixmesh_test and add_executable make, in order; what
/// target_link_libraries says is added to them.
[[nodiscard]] std::vector<Target> targets_of(std::string_view cmake);

/// Every word of a CMake file outside its comments: names of files and folders are among them.
[[nodiscard]] std::vector<std::string> words_of(std::string_view cmake);

}  // namespace pixmesh::architecture
