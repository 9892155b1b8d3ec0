#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

// How files and images get their names from one another.
namespace pixmesh {

/// One file to be stored, and the name it gets.
struct PutItem {
  std::string file;  // a path, or "-" for stdin
  std::string name;
};

struct PutPlan {
  std::vector<PutItem> items;
  std::vector<Error> faults;  // files that cannot be stored; the others can
};

struct PutNaming {
  std::optional<std::string> name;  // of the one file
  std::string prefix;               // put in front of each name, as it is
  bool recursive = false;           // folders are allowed; names are paths below them
};

/// What is to be stored under which name. Reads folders, but no file; a folder's files come sorted,
/// and symbolic links to folders are not followed.
/// Errors: usage — several files for one --name, a folder without --recursive, stdin without a
/// name, two files that would get the same name.
[[nodiscard]] Result<PutPlan> plan_put(const std::vector<std::string>& files,
                                       const PutNaming& naming);

/// The last part of an image's name, as a file of the current folder: "2024/a.jpg" -> "a.jpg".
/// Errors: usage — there is none that stays in the folder ("a/", "..").
[[nodiscard]] Result<std::string> file_name_of(std::string_view image);

/// "2024/cat.tif", "thumbnail", "jpg" -> "cat.thumbnail.jpg". Errors: as file_name_of.
[[nodiscard]] Result<std::string> output_name_of(std::string_view image, std::string_view recipe,
                                                 std::string_view extension);

/// The one node whose id begins with `prefix`; a whole id need not be among them.
/// Errors: usage — none, or several, with what there is.
[[nodiscard]] Result<NodeId> node_of_prefix(std::string_view prefix,
                                            const std::vector<NodeId>& nodes);

}  // namespace pixmesh
