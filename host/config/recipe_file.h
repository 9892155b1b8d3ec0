#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/system/program_path.h"
#include "processing/recipe.h"
#include "processing/recipe_book.h"

namespace pixmesh {

/// Reads recipes as people write them:
///
///     [recipe.thumbnail]
///     summary = "Fit an image into a box"
///     argv    = ["vipsthumbnail", "{in}", "--size", "{width}x{height}", "-o", "{out}[Q=85]"]
///     output  = "jpg"                    # or "{format}", an enum parameter
///     accepts = ["jpeg", "png"]          # without it any bytes
///     needs   = ["gs"]                   # programs besides argv[0]
///     stdin   = true                     # or {in} in argv; likewise stdout and {out}
///     vips_modules = true                # libvips loads its plug-ins, off by default
///     engine  = "vips"                   # a libvips worker may do it; argv says what
///     fast_shrink_on_load = true         # a worker has to: less of a JPEG is decoded
///     [recipe.thumbnail.param]
///     width   = { type = "int", min = 1, max = 16384, default = 800 }  # int, float, bool, enum
///     kernel  = { type = "enum", values = ["linear", "cubic"], default = "cubic" }
///     [recipe.thumbnail.limit]
///     wall = "60s"                       # and cpu, memory, output
///
/// Parameters keep the order of the file. Each recipe has passed check_recipe.
/// Errors: malformed, as "recipes.toml:12: unknown key 'acepts'; did you mean 'accepts'?".
[[nodiscard]] Result<std::vector<Recipe>> parse_recipes(std::string_view text,
                                                        std::string_view file_name);

/// The same from a file of at most 1 MiB. Errors: those, not_found, failed.
[[nodiscard]] Result<std::vector<Recipe>> read_recipes(const std::filesystem::path& file);

/// The recipes every node has: thumbnail, thumbnail-fast, resize, convert, crop, rotate, sharpen,
/// info (libvips), im-resize, im-identify (ImageMagick 6).
[[nodiscard]] std::string_view built_in_recipe_text();
[[nodiscard]] std::vector<Recipe> built_in_recipes();

/// What of argv[0], the programs that the recipe needs and a native worker is not there, as in
/// "'gs'"; empty: the recipe can be done.
[[nodiscard]] std::string missing_of(const Recipe& recipe, const NodeTools& tools = {});

/// The built-in set, then the operator's own file over it; an empty path means there is none.
/// Errors: those of read_recipes.
[[nodiscard]] Result<RecipeBook> load_recipe_book(const std::filesystem::path& file,
                                                  const NodeTools& tools = {});

}  // namespace pixmesh
