#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// Where the results of many images go. Names of images are any UTF-8 text, so paths are made from
// them such that none leaves the folder, and no two names ever get one path.
namespace pixmesh {

/// How results are called.
struct ResultNaming {
  std::string label;       // of the recipe: letters, digits, `-`, `_`, `+`
  std::string extension;   // of the result
  bool fold_case = false;  // the folder takes A and a for the same
};

/// "2024/cat.tif" -> "2024/cat.tif.thumbnail.jpg": the whole name, so that cat.tif and cat.png do
/// not meet. In each part of it
///
///   control characters, `\`, `%` and a first `.`   become %XX: no `..`, no hidden file
///   a part that is empty                            is "%": "/etc/x" stays below the folder
///   a part that is too long                         is cut, and ends in "%~" and a digest of it
///   a letter that has a small one, where case is folded: the part ends in "%~" and a digest of it
///   a folder that would be called like a result     gets its last `.`s as %2E: an image "a" and
///                                                   one "a.thumbnail.jpg/b" do not meet
///
/// A `%` is followed by two digits, by `~` or by nothing, so the name can be told from the path.
/// @param image  has passed check_name. @returns a relative path of at most 3,000 bytes.
[[nodiscard]] std::string result_path_of(std::string_view image, const ResultNaming& naming);

/// "thumbs/" and "cat.tif", "jpg" -> "thumbs/cat.tif.jpg"; a name that has the extension keeps it.
[[nodiscard]] std::string stored_name_of(std::string_view prefix, std::string_view image,
                                         std::string_view extension);

}  // namespace pixmesh
