#pragma once

#include "processing/recipe.h"

namespace pixmesh {

/// A recipe with a parameter of each type.
inline Recipe sample_recipe() {
  Recipe recipe;
  recipe.name = "thumbnail";
  recipe.summary = "Fit an image into a box";
  recipe.argv = {"tool",
                 "{in}",
                 "--size",
                 "{width}x{height}",
                 "--sigma={sigma}",
                 "{strip}",
                 "-o",
                 "{out}[Q={quality}]"};
  recipe.output = "{format}";
  recipe.accepts = {"jpeg", "png", "tiff", "webp"};
  recipe.parameters = {
      {"width", ParameterType::integer, 1, 16384, 800, {}},
      {"height", ParameterType::integer, 1, 16384, 800, {}},
      {"quality", ParameterType::integer, 1, 100, 85, {}},
      {"sigma", ParameterType::real, -1'500'000, 10'000'000, 500'000, {}},
      {"strip", ParameterType::boolean, 0, 0, 1, {}},
      {"format", ParameterType::choice, 0, 0, 0, {"jpg", "png"}},
  };
  return recipe;
}

}  // namespace pixmesh
