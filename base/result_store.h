#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace pixmesh {

/// The output of a run that is to be kept under its key, and what is to be known of it later.
struct ResultToKeep {
  Digest key;
  std::string output_path;  // absolute; stays as it is
  std::string extension;
  Bytes facts;  // the store does not read them
};

/// The bytes of a kept result as they were written.
struct KeptBytes {
  std::uint64_t size = 0;
  std::vector<std::uint64_t> checksums;  // XXH3-64 of each MiB
};

/// Other facts of a result that is kept.
struct FactsToKeep {
  Digest key;
  std::string extension;
  KeptBytes bytes;
  Bytes facts;
};

/// Comes back as an event: for each result that was to be kept, and after the start for each that
/// an earlier process kept.
struct ResultKept {
  Digest key;
  std::string extension;
  Bytes facts;
  Result<KeptBytes> kept;
  bool found = false;  // an earlier process kept it
};

/// Comes back as an event: all that an earlier process kept has been told.
struct AllResultsFound {};

/// Where a kept result lies, relative to the folder of disk 0.
[[nodiscard]] inline std::string result_path(const Digest& key, const std::string& extension) {
  const std::string text = to_text(key);
  return "results/" + text.substr(0, 2) + "/" + text.substr(2) + "." + extension;
}

/// Files of results on disk 0. Nothing is synced: what a power cut takes is made again, and what it
/// damages does not have its checksums. Calls return at once; those for one key keep their order.
class ResultStore {
 public:
  virtual ~ResultStore() = default;
  virtual void keep(ResultToKeep result) = 0;
  /// Puts these facts in place of those of a kept result; nothing, if it is not there.
  virtual void keep_facts(FactsToKeep facts) = 0;
  /// Removes a result; no error if there is none.
  virtual void drop(const Digest& key, const std::string& extension) = 0;
};

}  // namespace pixmesh
