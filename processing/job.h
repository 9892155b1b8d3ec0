#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/time.h"
#include "processing/memory_tokens.h"

namespace pixmesh {

/// A run as the lanes see it.
struct Job {
  RunId run;          // new for each job of this node
  RequestId request;  // one user's wish, the same in every retry
  std::string recipe;
  Digest recipe_digest;
  std::uint64_t pixels = 0;        // of the image; 0: not known
  Instant deadline;                // after it nobody waits for the result
  bool batch = false;              // nobody looks at the screen for it
  std::uint64_t client = 0;        // for whom; each client gets the same share
  std::uint32_t held_a_pixel = 0;  // as of memory_need_of
  std::uint64_t memory_most = 0;   // the limit of the recipe; 0: not known
  MemoryNeed memory;               // by what is known now; Lanes says it
  std::string way;                 // of the recipe, as of Work
};

}  // namespace pixmesh
