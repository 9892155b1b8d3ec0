#pragma once

#include <cstddef>

namespace pixmesh {

/// Members of a struct, in order: `FieldList<&Tag::key, &Tag::value>`. Unlike a tuple of them it
/// costs the compiler next to nothing.
template <auto... members>
struct FieldList {
  static constexpr std::size_t size = sizeof...(members);
  /// @returns use(&Tag::key, &Tag::value).
  static constexpr decltype(auto) apply(const auto& use) { return use(members...); }
};

}  // namespace pixmesh
