#include "net/noise/cipher_state.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/net/noise/hex.hpp"

using namespace ghoard::noise;
using Json = nlohmann::json;

namespace {

constexpr std::string_view counting_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

Json known_answers() {
  std::ifstream file(GHOARD_SOURCE_DIR "/tests/data/psk_kats.json");
  REQUIRE(file);
  return Json::parse(file);
}

CipherState keyed(std::string_view key = counting_key) {
  return CipherState(secret_from_hex(key));
}

std::vector<std::uint8_t> seal(CipherState& state, std::string_view text) {
  std::vector<std::uint8_t> out(text.size() + state.overhead());
  REQUIRE(state.encrypt({}, view_of(text), out.data()));
  return out;
}

std::optional<std::string> open(CipherState& state, const std::vector<std::uint8_t>& sealed) {
  std::vector<std::uint8_t> out(sealed.size());
  if (!state.decrypt({}, sealed, out.data())) {
    return std::nullopt;
  }
  out.resize(sealed.size() - state.overhead());
  return std::string(text_of(out));
}

}  // namespace

TEST_CASE("Rekey makes the known keys, one from another") {
  const Json chain = known_answers().at("noise_rekey_chachapoly");
  REQUIRE(chain.size() == 4);
  CipherState state = keyed(chain[0].get<std::string>());
  for (std::size_t i = 1; i < chain.size(); ++i) {
    state.rekey();
    CipherState expected = keyed(chain[i].get<std::string>());
    CipherState copy = state.clone();
    CHECK(seal(copy, "text") == seal(expected, "text"));
  }
}

TEST_CASE("Rekey leaves the nonce where it is") {
  CipherState state = keyed();
  seal(state, "one");
  state.rekey();
  CHECK(state.nonce() == 1);
}

TEST_CASE("the nonce 2^64-2 is the last one, for sealing and for opening") {
  const Json answer = known_answers().at("last_legal_nonce");
  const std::uint64_t last = answer.at("n").get<std::uint64_t>();
  REQUIRE(last == CipherState::reserved_nonce - 1);
  CipherState sealing = keyed(answer.at("key").get<std::string>());
  CipherState opening = sealing.clone();
  sealing.set_nonce(last);
  opening.set_nonce(last);
  const std::vector<std::uint8_t> sealed = seal(sealing, "");
  CHECK(to_hex(sealed) == answer.at("ciphertext").get<std::string>());
  CHECK(open(opening, sealed) == "");

  CHECK(sealing.nonce() == CipherState::reserved_nonce);
  std::vector<std::uint8_t> out(tag_bytes, 0xaa);
  CHECK_FALSE(sealing.encrypt({}, {}, out.data()));
  CHECK(out == std::vector<std::uint8_t>(tag_bytes, 0xaa));
  CHECK_FALSE(open(opening, sealed).has_value());
  CHECK(opening.nonce() == CipherState::reserved_nonce);
}

TEST_CASE("a message that does not open leaves the nonce for the good one behind it") {
  CipherState sealing = keyed();
  CipherState opening = keyed();
  const std::vector<std::uint8_t> good = seal(sealing, "good");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::vector<std::uint8_t> bad = good;
    bad[i] ^= 1;
    CHECK_FALSE(open(opening, bad).has_value());
  }
  CHECK(opening.nonce() == 0);
  CHECK(open(opening, good) == "good");
  CHECK(open(opening, seal(sealing, "next")) == "next");
  CHECK_FALSE(open(opening, good).has_value());
}

TEST_CASE("a message shorter than its tag does not open") {
  CipherState opening = keyed();
  for (std::size_t size = 0; size < tag_bytes; ++size) {
    CHECK_FALSE(opening.decrypt({}, std::vector<std::uint8_t>(size), nullptr));
  }
}

TEST_CASE("associated data are under the tag") {
  CipherState sealing = keyed();
  CipherState opening = keyed();
  std::vector<std::uint8_t> sealed(4 + tag_bytes);
  REQUIRE(sealing.encrypt(view_of("head"), view_of("text"), sealed.data()));
  std::vector<std::uint8_t> out(4);
  CHECK_FALSE(opening.decrypt(view_of("Head"), sealed, out.data()));
  CHECK(opening.decrypt(view_of("head"), sealed, out.data()));
}

TEST_CASE("sealing and opening work in place") {
  CipherState sealing = keyed();
  CipherState opening = keyed();
  std::vector<std::uint8_t> buffer(5 + tag_bytes);
  const std::string text = "plain";
  std::copy(text.begin(), text.end(), buffer.begin());
  REQUIRE(sealing.encrypt({}, ByteView(buffer).first(5), buffer.data()));
  REQUIRE(opening.decrypt({}, buffer, buffer.data()));
  CHECK(text_of(ByteView(buffer).first(5)) == text);
}

TEST_CASE("without a key a cipher state copies") {
  CipherState state;
  CHECK(state.overhead() == 0);
  CHECK(text_of(seal(state, "clear")) == "clear");
}

TEST_CASE("a secret is empty once it was moved away or wiped, and its memory comes back zeroed") {
  Secret secret = Secret::random();
  const std::uint8_t* place = secret.bytes().data();
  Secret moved = std::move(secret);
  CHECK(secret.is_empty());
  CHECK(moved.bytes().data() == place);
  moved.wipe();
  CHECK(moved.is_empty());
  // The slot given back last is taken first.
  const Secret next = Secret::zeros();
  CHECK(next.bytes().data() == place);
  CHECK(to_hex(next.bytes()) == std::string(64, '0'));
}

TEST_CASE("more secrets than fit in one slab keep apart") {
  std::vector<Secret> secrets;
  for (int i = 0; i < 2000; ++i) {
    secrets.push_back(Secret::zeros());
    secrets.back().bytes()[0] = static_cast<std::uint8_t>(i);
    secrets.back().bytes()[31] = static_cast<std::uint8_t>(i >> 8);
  }
  for (int i = 0; i < 2000; ++i) {
    CHECK(secrets[static_cast<std::size_t>(i)].bytes()[0] == static_cast<std::uint8_t>(i));
    CHECK(secrets[static_cast<std::size_t>(i)].bytes()[31] == static_cast<std::uint8_t>(i >> 8));
  }
}
