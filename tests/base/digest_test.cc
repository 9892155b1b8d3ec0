#include "base/digest.h"

#include <doctest/doctest.h>

#include "base/signature.h"

using namespace pixmesh;

TEST_CASE("base: the digest is what b2sum -l 256 prints, however the bytes are cut") {
  const std::string text(3'000'000, 'x');

  Hasher hasher;
  hasher.update(bytes_of(text).first(1));
  hasher.update(bytes_of(text).subspan(1, 999'999));
  hasher.update(bytes_of(text).subspan(1'000'000));

  CHECK(hasher.finish() == digest_of(bytes_of(text)));
  // printf '' | b2sum -l 256
  CHECK(to_text(digest_of({})) ==
        "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
}

TEST_CASE("base: a signature holds for its message and its key only") {
  const SigningKey ada = signing_key_of({1});
  const SigningKey bob = signing_key_of({2});

  const Signature signature = sign(ada, bytes_of("weight 3"));

  CHECK(verify(ada.public_key, bytes_of("weight 3"), signature));
  CHECK_FALSE(verify(ada.public_key, bytes_of("weight 4"), signature));
  CHECK_FALSE(verify(bob.public_key, bytes_of("weight 3"), signature));
}

TEST_CASE("base: remembered signatures change no answer") {
  const SigningKey ada = signing_key_of({1});
  const Signature signature = sign(ada, bytes_of("weight 3"));
  const RememberedSignatures remembered;

  for (int i = 0; i < 2; ++i) {
    CHECK(verify(ada.public_key, bytes_of("weight 3"), signature));
    CHECK_FALSE(verify(ada.public_key, bytes_of("weight 4"), signature));
    CHECK_FALSE(verify(signing_key_of({2}).public_key, bytes_of("weight 3"), signature));
  }
}
