#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "processing/recipe.h"

namespace pixmesh {

/// A recipe as one node knows it.
struct BookEntry {
  Recipe recipe;
  Digest digest;
  std::string missing;                // what this node would need to do it: "'gs'"; "": nothing
  std::optional<Digest> fingerprint;  // of the tools and their libraries; none: not worked out

  [[nodiscard]] bool available() const { return missing.empty(); }
};

/// The recipes of one node, by name. At most 1,000.
class RecipeBook {
 public:
  /// Adds a recipe, in the place of an earlier one of that name: an operator's own file is added
  /// after the built-in set. Errors: malformed (check_recipe), no_space (the book is full).
  [[nodiscard]] Result<Done> add(Recipe recipe, std::string missing = {});

  /// Tells what the tools of a recipe are; results made by others are not given out.
  void set_fingerprint(std::string_view name, const Digest& fingerprint);

  /// Null if there is none of that name.
  [[nodiscard]] const BookEntry* find(std::string_view name) const;

  /// The entry, or why this node cannot run it.
  /// Errors: usage — no such recipe, with the nearest name; overloaded — its tool is missing
  /// here, or the digest is another one ("recipe differs"): another holder may do it.
  [[nodiscard]] Result<const BookEntry*> require(std::string_view name,
                                                 const Digest& expected) const;

  /// The same for whoever asks first: only the name has to be known.
  [[nodiscard]] Result<const BookEntry*> look_up(std::string_view name) const;

  [[nodiscard]] const std::map<std::string, BookEntry, std::less<>>& entries() const {
    return entries_;
  }

 private:
  std::map<std::string, BookEntry, std::less<>> entries_;
};

/// Whether the recipe works on such an image.
/// @param image_name  what the user called it, for the error's text.
/// @param media_type  as in MediaFacts; "" when it is no image we know.
/// Errors: usage — "text.txt is no image that 'thumbnail' accepts (jpeg, png, tiff, webp)".
[[nodiscard]] Result<Done> check_media(const Recipe& recipe, std::string_view image_name,
                                       std::string_view media_type);

}  // namespace pixmesh
