#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pixmesh {

/// The name a person probably meant: the candidate with the fewest inserted, removed, changed or
/// swapped letters, at most one third of the word's (and at least one). The first of equals.
/// @returns nothing when no candidate is that near. O(candidates * letters^2).
[[nodiscard]] std::optional<std::string> closest_name(std::string_view word,
                                                      std::span<const std::string> candidates);

/// "; did you mean 'width'?" — or an empty text when nothing is near.
[[nodiscard]] std::string suggestion(std::string_view word,
                                     std::span<const std::string> candidates);

/// Names as people list them: "a, b, c".
[[nodiscard]] std::string join_names(std::span<const std::string> names);

/// What a person typed, fit for one line of an error: control characters and bytes above 126 become
/// `?`, and at most 64 bytes of it are kept.
[[nodiscard]] std::string shown(std::string_view typed);

}  // namespace pixmesh
