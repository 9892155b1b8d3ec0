#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "host/system/program_path.h"
#include "processing/recipe_book.h"

namespace pixmesh {

/// The files that decide what a program does: its own; of a script its interpreter; of a program
/// that is linked at its start the libraries that the dynamic linker lists (`ld.so --list`, which
/// runs nothing of the program). What a program opens later by itself, plug-ins and its
/// configuration, is not known. Sorted; empty if the program cannot be read.
[[nodiscard]] std::vector<std::filesystem::path> files_of_program(
    const std::filesystem::path& program);

/// Hashes of tools, so that a result is never taken for that of another version.
///
/// Reading the 104 libraries of `vipsthumbnail` takes 0.1 s: a file is read once, and again when
/// its size, inode or time of change differ. Used by one thread at a time; not the loop's.
class ToolFingerprints {
 public:
  /// BLAKE2b-256 over the contents of all files of these programs. None if one cannot be read.
  [[nodiscard]] std::optional<Digest> of(const std::vector<std::filesystem::path>& programs);

  /// Works out those of all recipes in the book whose tools are installed. The native worker is one
  /// of those that nothing else can do.
  void add_to(RecipeBook& book, const NodeTools& tools = {});

 private:
  struct Known {
    std::uint64_t size = 0;
    std::uint64_t inode = 0;
    std::int64_t changed_nanos = 0;
    Digest digest;
  };
  [[nodiscard]] std::optional<Digest> of_file(const std::filesystem::path& file);

  std::map<std::filesystem::path, Known> known_;
};

}  // namespace pixmesh
