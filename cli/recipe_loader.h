#pragma once

#include <deque>
#include <memory>
#include <string>

#include "base/background.h"
#include "host/tools/tool_fingerprint.h"
#include "processing/recipe_book.h"

namespace pixmesh {

/// Reads the recipes of a node again and again while it runs, with the fingerprints of their tools:
/// on the background thread, for all the libraries of the tools take a tenth of a second.
/// Outlives the background. Used by the loop thread.
class RecipeLoader {
 public:
  /// Of its jobs; a node's own count up from 1.
  static constexpr OperationId ticket{~std::uint64_t{0}};

  struct Loaded {
    bool again = false;  // an operator asked for it
    Result<RecipeBook> book = Error{ErrorCode::failed, "it was not loaded"};
  };

  /// @param file  of the recipes; empty: the built-in ones only
  RecipeLoader(std::string file, NodeTools tools)
      : file_(std::move(file)), tools_(std::move(tools)) {}

  void load(Background& background, bool again);
  /// The oldest job is done.
  [[nodiscard]] Loaded take();

 private:
  std::string file_;
  NodeTools tools_;
  std::deque<std::shared_ptr<Loaded>> loading_;
  ToolFingerprints fingerprints_;  // of the background thread
};

}  // namespace pixmesh
