#include "base/signature.h"

#include <sodium.h>

#include <set>

#include "base/digest.h"

namespace pixmesh {
namespace {

constexpr std::size_t remembered_max = 50'000;

struct Memory {
  std::uint32_t users = 0;  // nothing is remembered without any
  std::set<Digest> right;   // digests of key, signature and message
};

Memory& memory() {
  thread_local Memory of_this_thread;
  return of_this_thread;
}

bool compute(const PublicKey& key, ByteView message, const Signature& signature) {
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                     key.data()) == 0;
}

}  // namespace

RememberedSignatures::RememberedSignatures() { ++memory().users; }

RememberedSignatures::~RememberedSignatures() {
  if (--memory().users == 0) memory().right.clear();
}

SigningKey signing_key_of(const std::array<std::uint8_t, 32>& seed) {
  SigningKey key;
  crypto_sign_seed_keypair(key.public_key.data(), key.secret_key.data(), seed.data());
  return key;
}

Signature sign(const SigningKey& key, ByteView message) {
  Signature signature{};
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(),
                       key.secret_key.data());
  return signature;
}

bool verify(const PublicKey& key, ByteView message, const Signature& signature) {
  Memory& known = memory();
  if (known.users == 0) return compute(key, message, signature);
  Bytes all(key.begin(), key.end());
  all.insert(all.end(), signature.begin(), signature.end());
  all.insert(all.end(), message.begin(), message.end());
  const Digest what = digest_of(all);
  if (known.right.contains(what)) return true;
  if (!compute(key, message, signature)) return false;
  if (known.right.size() >= remembered_max) known.right.clear();
  known.right.insert(what);
  return true;
}

}  // namespace pixmesh
