#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>

#include "base/ids.h"
#include "processing/result_key.h"

namespace pixmesh {

/// What was purged or deleted while the results of an earlier process were still looked through:
/// what is found of it later is not kept.
///
/// Beyond 10,000 sources, names and prefixes it no longer knows which they were: then all that is
/// found is gone, for a result can be made again. Each call takes O(log n).
class GoneResults {
 public:
  void add_source(const Digest& source);
  void add_name(const std::string& name);
  void add_prefix(const std::string& prefix);
  /// Nothing more will be found.
  void end();

  [[nodiscard]] bool has(const ResultFacts& facts) const;

 private:
  [[nodiscard]] bool has_room();
  [[nodiscard]] bool has_name(const std::string& name) const;
  [[nodiscard]] bool is_under_prefix(const std::string& name) const;

  std::set<Digest> sources_;
  std::set<std::string> names_;
  std::set<std::string> prefixes_;  // none begins with another one
  bool all_ = false;
  bool over_ = false;
};

}  // namespace pixmesh
