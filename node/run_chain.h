#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/result.h"
#include "processing/recipe_book.h"
#include "processing/render.h"
#include "routing/run_messages.h"

namespace pixmesh {

/// A recipe with its parameters filled in.
struct RenderedStep {
  const BookEntry* entry = nullptr;
  ToolCommand command;
  std::string choices;  // its part of `choices_of`
};

/// Errors: those of read_parameters.
[[nodiscard]] Result<RenderedStep> render_step(const BookEntry& entry,
                                               const std::vector<RunArgument>& arguments);

/// The steps of a chain, the first one too: known, with good parameters, each taking what the one
/// before it makes.
/// @param exact  the digests of `then` are those of the asker and have to be ours.
/// Errors: usage — too many, an unknown recipe or parameter, a picture that the next does not take;
/// overloaded — another recipe, or its tool is missing: another holder may do it.
[[nodiscard]] Result<std::vector<RenderedStep>> render_chain(const RecipeBook& book,
                                                             RenderedStep first,
                                                             const std::vector<RunStep>& then,
                                                             bool exact);

/// What was chosen of a chain, as far as it decides what it costs: " format=webp ints<=1024 |
/// sharpen format=jpg reals<=4". There are too many numbers to learn from each: only the largest
/// counts, up to the next power of two.
[[nodiscard]] std::string choices_of(const std::vector<RenderedStep>& steps);

/// The most that any of the steps may take: they run one after the other.
[[nodiscard]] std::uint64_t memory_most_of(const std::vector<RenderedStep>& steps);

/// The command lines of the steps, one behind the other, "|" between them.
[[nodiscard]] std::vector<std::string> argv_of(const std::vector<RenderedStep>& steps);

/// What is to be made of which bytes (`work_of`), by all steps of a chain.
struct ChainWork {
  Digest work;
  std::optional<Digest> fingerprint;  // of all tools; none: of some it is not known
};
/// @param source  digest of the image. Nothing: a recipe is not known here, or a parameter is bad.
[[nodiscard]] std::optional<ChainWork> work_of_chain(const RecipeBook& book, const Digest& source,
                                                     const std::string& recipe,
                                                     const std::vector<RunArgument>& arguments,
                                                     const std::vector<RunStep>& then);

/// Parameters as the renderer takes them.
[[nodiscard]] GivenParameters given_of(const std::vector<RunArgument>& arguments);

/// The tool that a step starts. Run, input and disk are still to be filled in.
[[nodiscard]] ToolRun tool_of(const RenderedStep& step);

/// What is still to be done of a chain, and what its steps have taken so far.
///
///   a ──out──► in ── b ──out──► in ── c
///
/// Each step is a tool run of its own, in a folder of its own on the same node; the executor links
/// the output of one step into the folder of the next. That output is removed when the next step
/// has ended. A chain of one step has nothing in here.
class RunChain {
 public:
  RunChain() = default;
  explicit RunChain(std::vector<ToolRun> rest) : rest_(std::move(rest)) {}

  /// Whether another step follows on this end of one.
  [[nodiscard]] bool goes_on(const ToolReport& ended) const {
    return ended.end == ToolEnd::finished && !rest_.empty();
  }

  /// Takes the end of a step and gives the next.
  /// @param fresh  the number of its run.
  /// @param input  the output of the step that ended: a path relative to the folder of disk 0.
  [[nodiscard]] ToolRun go_on(const ToolReport& ended, RunId fresh, std::string input,
                              std::string extension);

  /// The end of the last step, with what all of them took.
  [[nodiscard]] ToolReport whole(ToolReport last) const;

 private:
  std::vector<ToolRun> rest_;
  ToolReport spent_;
};

}  // namespace pixmesh
