#pragma once

#include <string>

#include "base/bytes.h"

namespace pixmesh::test {

/// What HeaderScan promises of any bytes at all: it ends, the same is found through windows of
/// every size, and what is found is possible.
/// @returns what is broken; empty: nothing.
[[nodiscard]] std::string broken_promise(ByteView bytes);

}  // namespace pixmesh::test
