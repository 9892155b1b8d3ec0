#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "routing/run_messages.h"

namespace pixmesh {

/// What a person wants done to an image: one recipe, or several, one after another.
struct RecipeChain {
  std::string recipe;
  std::vector<RunArgument> arguments;
  std::vector<RunStep> then;
};

/// "thumbnail width=400 | sharpen", and parameters given behind it, which are for the only step.
/// Errors: usage — no recipe, an empty step, a word that is no key=value, parameters behind a chain
/// of several steps.
[[nodiscard]] Result<RecipeChain> parse_chain(const std::string& text,
                                              const std::vector<std::string>& parameters);

/// The chain as `parse_chain` reads it; the same chain always gives the same text.
[[nodiscard]] std::string text_of_chain(const RecipeChain& chain);

/// The recipes' names joined by `+`, for names of files: "thumbnail+sharpen". At most
/// 60 bytes; longer ones end in a digest.
[[nodiscard]] std::string label_of_chain(const RecipeChain& chain);

}  // namespace pixmesh
