#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pixmesh {

/// A command line of libvips, taken apart, so that something that has the library can do the same
/// without starting the program.
struct VipsCommand {
  std::string operation;               // "thumbnail" for vipsthumbnail, else that of `vips`
  std::vector<std::string> arguments;  // what the operation needs besides input and output
  std::vector<std::pair<std::string, std::string>> options;  // without "--"
  std::string save_options;                                  // "[Q=85]", or ""
  friend bool operator==(const VipsCommand&, const VipsCommand&) = default;
};

/// Reads the two forms
///
///     vipsthumbnail {in} --size WIDTHxHEIGHT -o {out}[Q=85]   also --no-rotate, --linear
///     vips OPERATION {in} {out}[Q=85] ARGUMENT… --option VALUE…
///
/// in which `{in}`, and `{out}` with its options, are arguments of their own. The arguments of
/// `thumbnail` are width and height, of a size of one number twice the same. Holes of a recipe pass
/// as the texts they are; where a size is one hole, both are that.
/// Errors: malformed, naming what is not read.
[[nodiscard]] Result<VipsCommand> parse_vips_command(std::span<const std::string> argv);

}  // namespace pixmesh
