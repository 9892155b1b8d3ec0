#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/ids.h"
#include "base/image_header.h"
#include "base/result.h"

namespace pixmesh {

enum class ParameterType : std::uint8_t { integer, real, boolean, choice };

/// A value somebody may set. Every type is kept as one integer, so that values are compared, hashed
/// and printed the same on every machine:
///   integer  the number             real    the number in millionths
///   boolean  0 or 1                 choice  its place in `choices`
struct Parameter {
  std::string name;  // [a-z][a-z0-9_-]*, at most 32 bytes; not "in" or "out"
  ParameterType type = ParameterType::integer;
  std::int64_t minimum = 0;  // of integers and reals; minimum <= default_value <= maximum
  std::int64_t maximum = 0;
  std::int64_t default_value = 0;
  std::vector<std::string> choices;  // of a choice: 1 to 64 of [A-Za-z0-9._+-]{1,32}, all different
  friend bool operator==(const Parameter&, const Parameter&) = default;
};

/// One thing that can be done to an image: a command line with holes.
///
/// A hole is `{name}`: `{in}` and `{out}` are paths the executor makes, every other hole is a
/// parameter. `{{` and `}}` stand for one brace. No shell ever sees the result.
struct Recipe {
  std::string name;                  // as of a parameter; fit for a URL
  std::string summary;               // for people; not part of the digest
  std::vector<std::string> argv;     // argv[0] is a program's name or absolute path, without holes
  std::string output;                // extension of the output, or "{name}" of a choice
  std::vector<std::string> accepts;  // media types as MediaFacts tells them; empty: any bytes
  std::vector<std::string> needs;    // further programs that the tool starts
  std::vector<Parameter> parameters;
  ToolLimits limits;
  HeaderLimits header_limits;     // of the images it is given
  bool input_on_stdin = false;    // then argv has no {in}
  bool output_on_stdout = false;  // then argv has no {out}
  bool vips_modules = false;      // libvips loads its plug-ins: HEIC, JPEG XL, PDF, slides
  ToolEngine engine = ToolEngine::command;  // vips: argv is one that parse_vips_command reads
  // Of a JPEG no more is decoded than the thumbnail needs: the pixels are a little different from
  // those of argv. Only a libvips worker can do it, so a node without one cannot do the recipe.
  bool fast_shrink_on_load = false;  // argv is that of vipsthumbnail, engine is vips
  friend bool operator==(const Recipe&, const Recipe&) = default;
};

/// Checks everything said above, and that argv has at most 64 arguments of at most 4,096 bytes, at
/// most 32 parameters, all of them used, and limits above zero.
/// Errors: malformed, naming what is wrong and, for an unknown hole, the nearest known one.
[[nodiscard]] Result<Done> check_recipe(const Recipe& recipe);

/// BLAKE2b-256 over everything that decides what a run does; the summary does not. Two nodes whose
/// digests agree make the same command line of the same request. Header limits, the engine and the
/// fast shrink count where they are not the usual ones, so that recipes from before there were any
/// keep their digest.
[[nodiscard]] Digest recipe_digest(const Recipe& recipe);

[[nodiscard]] std::string_view to_text(ToolEngine engine);  // command, vips

/// Whether this is a name of a recipe or parameter.
[[nodiscard]] bool is_recipe_name(std::string_view name);

/// Whether a file may end in it: [a-z0-9]{1,8}.
[[nodiscard]] bool is_extension(std::string_view text);

/// A piece of an argument: fixed text, or the name of a hole.
struct TemplatePiece {
  bool hole = false;
  std::string text;
};
/// Cuts an argument at its holes. Errors: malformed (a brace without its partner).
[[nodiscard]] Result<std::vector<TemplatePiece>> cut_template(std::string_view argument);

}  // namespace pixmesh
