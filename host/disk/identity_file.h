#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/signature.h"

namespace pixmesh {

/// Who a node is: made at its first start, never changed, readable by its owner only.
struct Identity {
  SigningKey signing;
  PublicKey link_public{};  // CURVE (X25519), for encrypted links
  std::array<std::uint8_t, 32> link_secret{};
  bool is_new = false;
};

/// Reads `folder`/identity, or makes it durably. Makes the folder if it is missing.
/// Errors: failed (cannot be read or written), malformed or corrupt (damaged: restore it from a
/// backup, or start on an empty folder as a new node).
[[nodiscard]] Result<Identity> load_identity(const std::filesystem::path& folder);

}  // namespace pixmesh
