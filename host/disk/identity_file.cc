#include "host/disk/identity_file.h"

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "host/disk/framed_file.h"
#include "host/system/entropy.h"
#include "host/system/file_handle.h"

namespace pixmesh {
namespace {

constexpr std::size_t seed_bytes = 32;

Identity identity_of(ByteView payload) {
  Identity identity;
  std::array<std::uint8_t, seed_bytes> seed{};
  std::copy_n(payload.begin(), seed_bytes, seed.begin());
  std::copy_n(payload.begin() + seed_bytes, identity.link_secret.size(),
              identity.link_secret.begin());
  identity.signing = signing_key_of(seed);
  crypto_scalarmult_curve25519_base(identity.link_public.data(), identity.link_secret.data());
  return identity;
}

}  // namespace

Result<Identity> load_identity(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) {
    return Error{ErrorCode::failed, folder.string() + " cannot be made: " + problem.message()};
  }
  const std::filesystem::path path = folder / "identity";
  const auto payload = read_framed_file(path);
  if (payload) {
    if (payload->size() != 2 * seed_bytes) {
      return Error{ErrorCode::malformed, path.string() + " is no identity"};
    }
    return identity_of(payload.value());
  }
  if (payload.error().code != ErrorCode::not_found) {
    return Error{payload.error().code, path.string() + ": " + payload.error().detail};
  }
  Bytes fresh(2 * seed_bytes);
  fill_from_entropy(fresh);
  const mode_t before = ::umask(077);
  const auto written = write_framed_file(path, folder / "identity.new", fresh, ::fsync);
  ::umask(before);
  if (!written) return written.error();
  const auto durable = sync_folder(folder);
  if (!durable) return durable.error();
  // The folder may be new too; whoever may not read its parent made it beforehand.
  (void)sync_folder(std::filesystem::absolute(folder).parent_path());
  Identity identity = identity_of(fresh);
  identity.is_new = true;
  return identity;
}

}  // namespace pixmesh
