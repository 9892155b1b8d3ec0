#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pixmesh {

/// Where tools are looked for: the distribution's own first.
inline constexpr std::string_view standard_tool_path = "/usr/bin:/bin:/usr/local/bin";

/// What a node does recipes with.
struct NodeTools {
  std::string path = std::string(standard_tool_path);  // as below
  std::string native_worker{};  // absolute path of pixmesh-vips-worker; empty: it starts none
};

/// The absolute path of an executable file of that name.
/// @param program  a plain name, looked for in the folders of `path` in order, or an absolute path.
/// @param path     absolute folders with `:` between them; others are passed over.
[[nodiscard]] std::optional<std::string> find_program(std::string_view program,
                                                      std::string_view path = standard_tool_path);

/// The absolute path of an executable file of that name in the folder of the running program.
[[nodiscard]] std::optional<std::string> program_beside_this(std::string_view program);

}  // namespace pixmesh
