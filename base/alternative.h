#pragma once

#include <concepts>
#include <type_traits>
#include <variant>

namespace pixmesh {

template <typename T, typename Variant>
inline constexpr bool is_alternative = false;
template <typename T, typename... A>
inline constexpr bool is_alternative<T, std::variant<A...>> = (std::same_as<T, A> || ...);

/// `T`, whatever its reference and const, is one of the types of `Variant`.
///
/// A variant of many structs whose constructor asks for this and names the type compiles several
/// times faster than with the constructor of std::variant, which tries all of them.
template <typename T, typename Variant>
concept AlternativeOf = is_alternative<std::remove_cvref_t<T>, Variant>;

}  // namespace pixmesh
