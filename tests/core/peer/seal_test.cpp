#include "core/peer/seal.hpp"

#include <array>
#include <doctest/doctest.h>

using namespace ghoard;

namespace {

constexpr std::size_t longest = 256;

base::SecretBytes key_of(std::uint8_t fill) {
  std::array<std::uint8_t, peer::seal_key_size> bytes{};
  bytes.fill(fill);
  return *base::SecretBytes::copy(bytes);
}

std::array<std::uint8_t, peer::seal_nonce_size> nonce_of(std::uint8_t fill) {
  std::array<std::uint8_t, peer::seal_nonce_size> nonce{};
  nonce.fill(fill);
  return nonce;
}

}  // namespace

TEST_CASE("what is sealed opens under its key and context, and under no other") {
  const std::string text = *peer::seal(key_of(1), "context", "plain text", nonce_of(7));
  CHECK(peer::open_sealed(key_of(1), "context", text, longest) == "plain text");
  CHECK_FALSE(peer::open_sealed(key_of(2), "context", text, longest));
  CHECK_FALSE(peer::open_sealed(key_of(1), "another", text, longest));
}

TEST_CASE("the seal is the one of XChaCha20-Poly1305's draft") {
  // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
  std::array<std::uint8_t, peer::seal_key_size> key{};
  std::array<std::uint8_t, peer::seal_nonce_size> nonce{};
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<std::uint8_t>(0x80 + i);
  }
  for (std::size_t i = 0; i < nonce.size(); ++i) {
    nonce[i] = static_cast<std::uint8_t>(0x40 + i);
  }
  const std::string context("\x50\x51\x52\x53\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7", 12);
  const std::string plain =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.";
  const std::string text = *peer::seal(*base::SecretBytes::copy(key), context, plain, nonce);
  CHECK(text ==
        "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXvW0XnT6D1DuVdleUk8DpOVcqFwAlK_rMvtKQLCE5bLtzHH8bC0qmRAvzqC9O2n45rmTG"
        "cIxUwhbLlrcuEhO0Ui-Mm6QNtdlFsRtpuYLBu54_P6wrw2lIj3ayODVl0__5IflmTJdjfal2iBL2FcaLE7UuwIdZJMHHmHlH3q_Y"
        "eArPSQ");
  CHECK(peer::open_sealed(*base::SecretBytes::copy(key), context, text, longest) == plain);
}

TEST_CASE("a sealed text of which any character is changed or missing does not open") {
  const base::SecretBytes key = key_of(1);
  const std::string text = *peer::seal(key, "context", "plain text", nonce_of(7));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(peer::open_sealed(key, "context", changed, longest));
    CHECK_FALSE(peer::open_sealed(key, "context", text.substr(0, i), longest));
  }
  CHECK_FALSE(peer::open_sealed(key, "context", text + "A", longest));
  CHECK_FALSE(peer::open_sealed(key, "context", text + "\n", longest));
  CHECK_FALSE(peer::open_sealed(key, "context", text + "=", longest));
}

TEST_CASE("a text above the bound is refused, one at the bound is not") {
  const base::SecretBytes key = key_of(1);
  CHECK(peer::open_sealed(key, "", *peer::seal(key, "", std::string(longest, 'x'), nonce_of(1)), longest));
  CHECK_FALSE(peer::open_sealed(key, "", *peer::seal(key, "", std::string(longest + 1, 'x'), nonce_of(1)), longest));
  CHECK(peer::open_sealed(key, "", *peer::seal(key, "", "", nonce_of(1)), longest) == "");
}

TEST_CASE("a key of another size seals and opens nothing") {
  const base::SecretBytes half = *base::SecretBytes::copy("sixteen bytes...");
  CHECK_FALSE(peer::seal(half, "", "x", nonce_of(1)));
  CHECK_FALSE(peer::open_sealed(half, "", *peer::seal(key_of(1), "", "x", nonce_of(1)), longest));
}
