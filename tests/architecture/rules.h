#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source_text.h"

// Each rule takes text and says what is wrong with it; an empty answer means nothing. rules_test.cc
// shows every rule a good and a bad sample, architecture_test.cc shows them the source tree.
namespace pixmesh::architecture {

using Faults = std::vector<std::string>;  // "line 12: …", without the file's name

/// The module of a folder: `simulations/world` holds simulations_world.
[[nodiscard]] std::string module_name_of(std::string folder);

/// Modules that `file` (a file name) may include from directly.
/// @param module  the folder's pixmesh_module; @param others  every target by name, for programs
[[nodiscard]] std::set<std::string> modules_allowed(const std::string& file,
                                                    const std::vector<Target>& folder,
                                                    const std::vector<Target>& all);

/// Quoted includes name a module in `allowed`; none climbs with "..".
[[nodiscard]] Faults include_faults(std::string_view source, const std::set<std::string>& allowed,
                                    const std::set<std::string>& modules);

/// Third-party headers stay where they belong: ZeroMQ, LMDB and TOML in host, msgpack in wire, …
/// @param owner  the module that the file belongs to or tests
[[nodiscard]] Faults library_faults(std::string_view source, const std::string& owner,
                                    bool is_test);

/// A pure module has no clock, chance, thread, file, socket, shared ownership, hash-ordered
/// container and no floating point: the same events give the same effects everywhere.
[[nodiscard]] Faults purity_faults(std::string_view source, bool may_share_ownership);

/// A note of work left to do names the issue that asks for it.
[[nodiscard]] Faults todo_faults(std::string_view text);

/// Relative links of a Markdown text lead to something that `exists`.
[[nodiscard]] Faults link_faults(std::string_view markdown,
                                 const std::function<bool(const std::string&)>& exists);

/// Messages have numbers of their own, and the document lists each as `| 34 | `Name` | a, b |`.
/// @param fields  all of wire/*_fields.h
[[nodiscard]] Faults message_faults(std::string_view fields, std::string_view document);

/// Words that say nothing in the names of files (snake_case) and declared types (PascalCase).
[[nodiscard]] Faults file_name_faults(std::string_view file);
[[nodiscard]] Faults type_name_faults(std::string_view source);

inline constexpr std::size_t lines_wanted = 400;
inline constexpr std::size_t lines_max = 600;
inline constexpr std::size_t columns_max = 100;
[[nodiscard]] Faults length_faults(std::string_view text);

/// Files that no word of the CMake text names.
[[nodiscard]] Faults unlisted_faults(std::string_view cmake, const std::vector<std::string>& files);

}  // namespace pixmesh::architecture
