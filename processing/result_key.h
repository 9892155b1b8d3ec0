#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "processing/render.h"

namespace pixmesh {

/// What is to be made of which bytes, the same on every node: the digest of the source, that of the
/// recipe, and the values of its parameters, given or not.
[[nodiscard]] Digest work_of(const Digest& source, const Digest& recipe,
                             const ParameterValues& values);

/// Under which a node keeps the result: the same work by another version of a tool is another one.
/// @param fingerprint  of the tool and the libraries it loads on this node.
[[nodiscard]] Digest result_key_of(const Digest& work, const Digest& fingerprint);

/// Under which a node remembers that a recipe's tool crashes on an image, whatever its parameters.
[[nodiscard]] Digest failure_key_of(const Digest& source, const Digest& recipe);

/// Where a result comes from. Lies beside its bytes.
struct ResultFacts {
  Digest key;
  Digest source;  // digest of the image
  std::string recipe;
  Digest recipe_digest;
  Digest fingerprint;
  std::vector<std::string> argv;     // as it was rendered, with `{in}` and `{out}`
  NodeId node;                       // where it ran
  std::uint64_t made_at_micros = 0;  // since 1970, by that node's clock
  std::uint64_t queued_micros = 0;   // what the run took: in the queue, …
  std::uint64_t verify_micros = 0;   // … for the check of the input, …
  std::uint64_t wall_micros = 0;     // … and by the tool
  std::uint64_t cpu_micros = 0;
  std::uint64_t memory_bytes = 0;
  std::string extension;
  std::vector<std::string> names;  // of images, for which it was made or given out
  bool more_names = false;         // also for others than these
  friend bool operator==(const ResultFacts&, const ResultFacts&) = default;
};

}  // namespace pixmesh
