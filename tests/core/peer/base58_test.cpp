#include "core/peer/base58.hpp"

#include <doctest/doctest.h>

#include "tests/core/peer/examples.hpp"

using namespace ghoard;
using Bytes = std::vector<std::uint8_t>;

namespace {

Bytes bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

}  // namespace

TEST_CASE("base58 gives the examples of its draft (draft-msporny-base58-03 section 5)") {
  CHECK(peer::encode_base58(bytes_of("Hello World!")) == "2NEpo7TZRRrLZSi2U");
  CHECK(peer::encode_base58(bytes_of("The quick brown fox jumps over the lazy dog.")) ==
        "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z");
  CHECK(peer::encode_base58(Bytes{0x00, 0x00, 0x28, 0x7f, 0xb4, 0xcd}) == "11233QC4");
  CHECK(peer::decode_base58("11233QC4") == Bytes{0x00, 0x00, 0x28, 0x7f, 0xb4, 0xcd});
}

TEST_CASE("base58 keeps leading zero bytes and the empty text") {
  CHECK(peer::encode_base58({}).empty());
  CHECK(peer::decode_base58("") == Bytes{});
  CHECK(peer::encode_base58(Bytes{0, 0, 0}) == "111");
  CHECK(peer::decode_base58("111") == Bytes{0, 0, 0});
}

TEST_CASE("base58 refuses the letters that look alike, and what is too long to be cheap") {
  for (const char* text : {"0", "O", "I", "l", "2NEpo7TZRRrLZSi2U ", "2NEpo7-TZ", "\xc3\xa9"}) {
    CHECK_MESSAGE(!peer::decode_base58(text), text);
  }
  CHECK(peer::decode_base58(std::string(peer::longest_base58, 'z')));
  CHECK_FALSE(peer::decode_base58(std::string(peer::longest_base58 + 1, 'z')));
  CHECK(peer::encode_base58(Bytes(peer::longest_base58 + 1, 1)).empty());
}

TEST_CASE("base58 reads back what it wrote, whatever the bytes") {
  testing::Dice dice(1);
  for (int i = 0; i < 500; ++i) {
    Bytes bytes(dice.below(64));
    for (std::uint8_t& byte : bytes) {
      byte = static_cast<std::uint8_t>(dice.below(4) == 0 ? 0 : dice.below(256));
    }
    CHECK(peer::decode_base58(peer::encode_base58(bytes)) == bytes);
  }
}

TEST_CASE("base36 is read with digits and lower-case letters") {
  CHECK(peer::decode_base36("10") == Bytes{36});
  CHECK(peer::decode_base36("00z") == Bytes{0, 0, 35});
  CHECK_FALSE(peer::decode_base36("1A"));
}
