#include "net/channel/record.hpp"

#include <doctest/doctest.h>

#include "tests/net/channel/rig.hpp"

using namespace ghoard::channel;
using namespace ghoard;

namespace {

std::string sealed(RecordCipher& cipher, const std::string& text) {
  std::string out(record_head_bytes, '\0');
  out += text;
  REQUIRE(cipher.seal(out, 0, text.size()));
  return out;
}

}  // namespace

TEST_CASE("a record has its length in front and opens to what it was") {
  RecordCipher sealer{noise::CipherState(psk_of(1))};
  RecordCipher opener{noise::CipherState(psk_of(1))};
  const std::string record = sealed(sealer, "hello");
  CHECK(record.size() == 5 + record_overhead);
  CHECK(ciphertext_length(record) == 5 + noise::tag_bytes);
  std::string text(5, '\0');
  REQUIRE(opener.open(std::string_view(record).substr(2), reinterpret_cast<std::uint8_t*>(text.data())));
  CHECK(text == "hello");
}

TEST_CASE("the key changes after 65,536 records of a direction, neither one earlier nor later") {
  RecordCipher sealer{noise::CipherState(psk_of(1))};
  RecordCipher opener{noise::CipherState(psk_of(1))};
  // What the first, the second and the third key make of the same text and nonce.
  noise::CipherState first{psk_of(1)};
  noise::CipherState second = first.clone();
  second.rekey();
  noise::CipherState third = second.clone();
  third.rekey();
  const auto under = [](noise::CipherState& state, std::uint64_t nonce) {
    state.set_nonce(nonce);
    std::string out(1 + noise::tag_bytes, '\0');
    REQUIRE(state.encrypt({}, noise::view_of("x"), reinterpret_cast<std::uint8_t*>(out.data())));
    return out;
  };
  std::uint8_t text = 0;
  std::size_t failed = 0;
  for (std::uint64_t i = 0; i < 2 * records_per_key + 2; ++i) {
    const std::string record = sealed(sealer, "x");
    const std::string_view ciphertext = std::string_view(record).substr(2);
    failed += opener.open(ciphertext, &text) && text == 'x' ? 0 : 1;
    const bool is_edge = i % records_per_key < 2 || i % records_per_key == records_per_key - 1;
    if (is_edge) {
      noise::CipherState& expected = i < records_per_key ? first : i < 2 * records_per_key ? second : third;
      CAPTURE(i);
      CHECK(ciphertext == under(expected, i));
    }
  }
  CHECK(failed == 0);
}

TEST_CASE("a record that did not open does not count, and the good one behind it opens") {
  RecordCipher sealer{noise::CipherState(psk_of(1))};
  RecordCipher opener{noise::CipherState(psk_of(1))};
  std::uint8_t text = 0;
  for (std::uint64_t i = 0; i < records_per_key + 2; ++i) {
    const std::string record = sealed(sealer, "x");
    if (i >= records_per_key - 2) {
      std::string bad = record.substr(2);
      bad[3] = static_cast<char>(bad[3] ^ 1);
      CHECK_FALSE(opener.open(bad, &text));
      CHECK(opener.open(std::string_view(record).substr(2), &text));
    } else if (!opener.open(std::string_view(record).substr(2), &text)) {
      FAIL("record ", i, " did not open");
    }
  }
}

TEST_CASE("lengths no record can have are told apart") {
  const auto length = [](std::size_t value) {
    const std::string head{static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
    return ciphertext_length(head);
  };
  CHECK(length(16) == 0);
  CHECK(length(17) == 17);
  CHECK(length(max_record_plaintext + 16) == max_record_plaintext + 16);
  CHECK(length(max_record_plaintext + 17) == 0);
}
