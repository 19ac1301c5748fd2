#include "core/peer/identity.hpp"

#include <algorithm>
#include <doctest/doctest.h>

#include "tests/core/peer/examples.hpp"

using namespace ghoard;
using peer::Identity;
using peer::PeerId;
using peer::Signature;

namespace {

Identity identity_of(std::uint8_t byte) {
  std::array<std::uint8_t, Identity::seed_size> seed{};
  seed.fill(byte);
  return *Identity::create(seed);
}

template <std::size_t size>
std::array<std::uint8_t, size> from_hex(const std::string& hex) {
  std::array<std::uint8_t, size> bytes{};
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  }
  return bytes;
}

}  // namespace

TEST_CASE("keys and signatures are those of RFC 8032 section 7.1, tests 1 and 2") {
  const auto empty = Identity::create(from_hex<32>("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  CHECK(empty->id().key == from_hex<32>("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
  CHECK(empty->sign("") ==
        from_hex<64>("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33ba"
                     "cc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"));
  const auto one = Identity::create(from_hex<32>("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  CHECK(one->id().key == from_hex<32>("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
  CHECK(one->sign("\x72") ==
        from_hex<64>("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e159"
                     "96e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"));
}

TEST_CASE("a signature holds for its signer and its message alone") {
  const Identity signer = identity_of(1);
  const std::string message = "ghoard-id/1 and more";
  const Signature signature = signer.sign(message);
  CHECK(peer::verify(signer.id(), message, signature));
  CHECK_FALSE(peer::verify(identity_of(2).id(), message, signature));
  CHECK_FALSE(peer::verify(signer.id(), message + "!", signature));
  CHECK_FALSE(peer::verify(signer.id(), "", signature));
  for (std::size_t at = 0; at < signature.size(); ++at) {
    Signature damaged = signature;
    damaged[at] ^= 0x10;
    CHECK_FALSE(peer::verify(signer.id(), message, damaged));
  }
}

TEST_CASE("a signature with the group's order added to its second half, which means the same, is refused") {
  const Identity signer = identity_of(1);
  Signature signature = signer.sign("message");
  const auto order = from_hex<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += signature[32 + i] + order[i];
    signature[32 + i] = static_cast<std::uint8_t>(carry & 255);
    carry >>= 8;
  }
  CHECK_FALSE(peer::verify(signer.id(), "message", signature));
}

TEST_CASE("keys of small order verify nothing, although the equation would hold") {
  // With the neutral element as key and as R, and S = 0, the equation holds for every message.
  PeerId neutral;
  neutral.key[0] = 1;
  Signature signature{};
  signature[0] = 1;
  CHECK_FALSE(peer::verify(neutral, "anything", signature));
  CHECK_FALSE(peer::verify(PeerId{}, "anything", Signature{}));
}
