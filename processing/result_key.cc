#include "processing/result_key.h"

#include "base/digest.h"

namespace pixmesh {

Digest work_of(const Digest& source, const Digest& recipe, const ParameterValues& values) {
  CanonicalBytes bytes;
  bytes.text("pixmesh work").raw(source.raw).raw(recipe.raw);
  bytes.u32(static_cast<std::uint32_t>(values.size()));
  for (const std::int64_t value : values) bytes.u64(static_cast<std::uint64_t>(value));
  return digest_of(bytes.bytes());
}

Digest result_key_of(const Digest& work, const Digest& fingerprint) {
  CanonicalBytes bytes;
  bytes.text("pixmesh result").raw(work.raw).raw(fingerprint.raw);
  return digest_of(bytes.bytes());
}

Digest failure_key_of(const Digest& source, const Digest& recipe) {
  CanonicalBytes bytes;
  bytes.text("pixmesh failure").raw(source.raw).raw(recipe.raw);
  return digest_of(bytes.bytes());
}

}  // namespace pixmesh
