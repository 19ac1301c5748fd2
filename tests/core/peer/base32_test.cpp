#include "core/peer/base32.hpp"

#include <doctest/doctest.h>

#include "tests/core/peer/examples.hpp"

using namespace ghoard;
using peer::LetterCase;
using Bytes = std::vector<std::uint8_t>;

TEST_CASE("base32 gives the examples of RFC 4648 section 10, without padding") {
  const std::vector<std::pair<std::string, std::string>> examples{{"", ""},
                                                                  {"f", "my"},
                                                                  {"fo", "mzxq"},
                                                                  {"foo", "mzxw6"},
                                                                  {"foob", "mzxw6yq"},
                                                                  {"fooba", "mzxw6ytb"},
                                                                  {"foobar", "mzxw6ytboi"}};
  for (const auto& [plain, text] : examples) {
    const Bytes bytes(plain.begin(), plain.end());
    CHECK(peer::encode_base32(bytes) == text);
    CHECK(peer::decode_base32(text, LetterCase::lower) == bytes);
  }
}

TEST_CASE("base32 takes the letters of the case that is asked for") {
  const Bytes bytes{'f', 'o', 'o'};
  CHECK(peer::decode_base32("MZXW6", LetterCase::upper) == bytes);
  CHECK(peer::decode_base32("MzXw6", LetterCase::either) == bytes);
  CHECK_FALSE(peer::decode_base32("MZXW6", LetterCase::lower));
  CHECK_FALSE(peer::decode_base32("mzxw6", LetterCase::upper));
}

TEST_CASE("base32 refuses padding, other characters, lengths of no bytes, and unused bits that are set") {
  for (const char* text : {"my======", "mz1q", "mz0q", "mz8q", "m", "mzx", "mzxw6y", "mz", "mzxr", " my", "my\n"}) {
    CHECK_MESSAGE(!peer::decode_base32(text, LetterCase::either), text);
  }
  CHECK(peer::decode_base32(std::string(peer::longest_base32, 'a'), LetterCase::lower));
  CHECK_FALSE(peer::decode_base32(std::string(peer::longest_base32 + 8, 'a'), LetterCase::lower));
}

TEST_CASE("base32 reads back what it wrote, whatever the bytes") {
  testing::Dice dice(2);
  for (int i = 0; i < 500; ++i) {
    Bytes bytes(dice.below(64));
    for (std::uint8_t& byte : bytes) {
      byte = static_cast<std::uint8_t>(dice.below(256));
    }
    CHECK(peer::decode_base32(peer::encode_base32(bytes), LetterCase::lower) == bytes);
  }
}
