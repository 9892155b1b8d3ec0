#pragma once

#include <string>

#include "base/ids.h"

namespace pixmesh {

/// Where a temp file lies, relative to its disk's folder. Once it is synced it can be read there,
/// until it is dropped or published.
[[nodiscard]] inline std::string temp_path(TempId temp) {
  return "tmp/t" + std::to_string(temp.raw);
}

}  // namespace pixmesh
