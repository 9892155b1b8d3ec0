#pragma once

#include <string>

#include "base/time.h"
#include "base/transport.h"

namespace pixmesh {

/// "12.345678": seconds since the world began.
[[nodiscard]] std::string text_of_instant(Instant at);

/// The name of a message's type, with the partition, name or step it is about where it has one.
[[nodiscard]] std::string text_of_message(Plane plane, ByteView message);

}  // namespace pixmesh
