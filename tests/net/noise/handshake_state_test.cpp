#include "net/noise/handshake_state.hpp"

#include <doctest/doctest.h>

#include "net/noise/hkdf.hpp"
#include "tests/net/noise/hex.hpp"

using namespace ghoard::noise;

namespace {

constexpr std::string_view xx_psk0 = "Noise_XXpsk0_25519_ChaChaPoly_SHA256";
constexpr std::string_view xx_psk3 = "Noise_XXpsk3_25519_ChaChaPoly_SHA256";

HandshakeState make(Role role, std::uint8_t psk = 7, std::string_view prologue = "prologue",
                    std::string_view name = xx_psk0) {
  HandshakeKeys keys;
  keys.local_static = std::make_shared<const KeyPair>(KeyPair::generate());
  keys.psks.push_back(Secret::zeros());
  keys.psks.back().bytes()[0] = psk;
  return HandshakeState(*Pattern::parse(name), role, view_of(prologue), std::move(keys));
}

std::vector<std::uint8_t> write(HandshakeState& state, std::string_view payload) {
  std::vector<std::uint8_t> out(1024);
  const auto keys = state.write_tokens(out);
  REQUIRE(keys.has_value());
  const auto sealed = state.write_payload(view_of(payload), ByteSpan(out).subspan(*keys));
  REQUIRE(sealed.has_value());
  out.resize(*keys + *sealed);
  return out;
}

tl::expected<std::string, Fault> read(HandshakeState& state, ByteView message) {
  const auto keys = state.read_tokens(message);
  if (!keys) {
    return tl::unexpected<Fault>(keys.error());
  }
  std::vector<std::uint8_t> out(message.size());
  const auto size = state.read_payload(message.subspan(*keys), out);
  if (!size) {
    return tl::unexpected<Fault>(size.error());
  }
  out.resize(*size);
  return std::string(text_of(out));
}

}  // namespace

TEST_CASE("the handshake hash between tokens and payload is the same on both sides") {
  HandshakeState initiator = make(Role::initiator);
  HandshakeState responder = make(Role::responder);
  HandshakeState* writer = &initiator;
  HandshakeState* reader = &responder;
  for (std::size_t turn = 0; turn < Pattern::messages; ++turn) {
    std::vector<std::uint8_t> wire(512);
    const auto keys = writer->write_tokens(wire);
    REQUIRE(keys.has_value());
    const Hash signed_hash = writer->handshake_hash();
    const auto sealed = writer->write_payload(view_of("signed"), ByteSpan(wire).subspan(*keys));
    REQUIRE(sealed.has_value());
    wire.resize(*keys + *sealed);

    REQUIRE(reader->read_tokens(wire) == *keys);
    CHECK(reader->handshake_hash() == signed_hash);
    std::vector<std::uint8_t> payload(512);
    REQUIRE(reader->read_payload(ByteView(wire).subspan(*keys), payload) == 6U);
    CHECK(reader->handshake_hash() == writer->handshake_hash());
    CHECK(reader->handshake_hash() != signed_hash);
    std::swap(writer, reader);
  }
  CHECK(initiator.is_finished());
  CHECK(responder.is_finished());
}

TEST_CASE("another psk or prologue fails at message 1, before any Diffie-Hellman") {
  for (auto [psk, prologue] : {std::pair<std::uint8_t, std::string_view>{8, "prologue"}, {7, "Prologue"}, {7, ""}}) {
    HandshakeState initiator = make(Role::initiator);
    HandshakeState responder = make(Role::responder, psk, prologue);
    const auto result = read(responder, write(initiator, "hello"));
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error() == Fault::not_authentic);
  }
}

TEST_CASE("a prepared responder's copies are tried one after the other until one opens message 1") {
  std::vector<HandshakeState> prepared;
  for (std::uint8_t psk = 1; psk <= 4; ++psk) {
    prepared.push_back(make(Role::responder, psk));
  }
  HandshakeState initiator = make(Role::initiator, 3);
  const std::vector<std::uint8_t> first = write(initiator, "hello");
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < prepared.size(); ++i) {
      std::optional<HandshakeState> copy = prepared[i].clone();
      REQUIRE(copy.has_value());
      CHECK(read(*copy, first).has_value() == (i == 2));
    }
  }
}

TEST_CASE("a state that has begun, or was given its ephemeral, is not copied") {
  HandshakeState initiator = make(Role::initiator);
  REQUIRE(initiator.clone().has_value());
  write(initiator, "hello");
  CHECK_FALSE(initiator.clone().has_value());

  HandshakeKeys keys;
  keys.local_static = std::make_shared<const KeyPair>(KeyPair::generate());
  keys.psks.push_back(Secret::random());
  keys.ephemeral = KeyPair::generate();
  const HandshakeState fixed(*Pattern::parse(xx_psk0), Role::initiator, {}, std::move(keys));
  CHECK_FALSE(fixed.clone().has_value());
}

TEST_CASE("a copy keeps the psks that come later in the pattern") {
  HandshakeState initiator = make(Role::initiator, 7, "p", xx_psk3);
  const HandshakeState prepared = make(Role::responder, 7, "p", xx_psk3);
  std::optional<HandshakeState> responder = prepared.clone();
  REQUIRE(responder.has_value());
  CHECK(read(*responder, write(initiator, "one")) == "one");
  CHECK(read(initiator, write(*responder, "two")) == "two");
  CHECK(read(*responder, write(initiator, "three")) == "three");
}

TEST_CASE("points of low order end the handshake") {
  // RFC 7748, section 6.1, and https://cr.yp.to/ecdh.html: the seven points that make zero, canonical or not.
  const std::string_view points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  for (const std::string_view point : points) {
    CAPTURE(point);
    // An initiator that holds the psk but sends a bad ephemeral: made by giving it a public key that is not its own.
    HandshakeKeys keys;
    keys.local_static = std::make_shared<const KeyPair>(KeyPair::generate());
    keys.psks.push_back(Secret::zeros());
    keys.psks.back().bytes()[0] = 7;
    keys.ephemeral = KeyPair::generate();
    const std::vector<std::uint8_t> bytes = from_hex(point);
    std::copy(bytes.begin(), bytes.end(), keys.ephemeral->public_key.begin());
    HandshakeState initiator(*Pattern::parse(xx_psk0), Role::initiator, view_of("prologue"), std::move(keys));
    HandshakeState responder = make(Role::responder);
    REQUIRE(read(responder, write(initiator, "")).has_value());
    std::vector<std::uint8_t> out(512);
    const auto result = responder.write_tokens(out);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error() == Fault::low_order);
  }
}

TEST_CASE("a side cannot act out of its turn, and a fault is final") {
  std::vector<std::uint8_t> room(512);
  {
    HandshakeState responder = make(Role::responder);
    CHECK(responder.write_tokens(room).error() == Fault::wrong_turn);
    CHECK(responder.read_tokens(room).error() == Fault::wrong_turn);
  }
  {
    HandshakeState initiator = make(Role::initiator);
    CHECK(initiator.write_payload({}, room).error() == Fault::wrong_turn);
    CHECK(initiator.write_tokens(room).error() == Fault::wrong_turn);
  }
  {
    HandshakeState initiator = make(Role::initiator);
    HandshakeState responder = make(Role::responder);
    std::vector<std::uint8_t> first = write(initiator, "hello");
    first.back() ^= 1;
    CHECK(read(responder, first).error() == Fault::not_authentic);
    first.back() ^= 1;
    CHECK(read(responder, first).error() == Fault::wrong_turn);
  }
}

TEST_CASE("a message that ends too soon, or too little room, is a fault") {
  HandshakeState initiator = make(Role::initiator);
  const std::vector<std::uint8_t> first = write(initiator, "hello");
  for (std::size_t size = 0; size < first.size(); ++size) {
    HandshakeState responder = make(Role::responder);
    CHECK_FALSE(read(responder, ByteView(first).first(size)).has_value());
  }
  HandshakeState cramped = make(Role::initiator);
  std::vector<std::uint8_t> room(31);
  CHECK(cramped.write_tokens(room).error() == Fault::short_message);
}

TEST_CASE("protocol names are taken whole or refused") {
  CHECK(Pattern::parse(xx_psk0)->psk_count() == 1);
  CHECK(Pattern::parse("Noise_XX_25519_ChaChaPoly_SHA256")->psk_count() == 0);
  CHECK(Pattern::parse("Noise_XXpsk0+psk3_25519_ChaChaPoly_SHA256")->psk_count() == 2);
  for (const std::string_view name :
       {"", "Noise_", "Noise_25519_ChaChaPoly_SHA256", "Noise__25519_ChaChaPoly_SHA256", "Noise_XX_25519_AESGCM_SHA256",
        "Noise_XXpsk_25519_ChaChaPoly_SHA256", "Noise_XXpsk4_25519_ChaChaPoly_SHA256",
        "Noise_XXpsk0+_25519_ChaChaPoly_SHA256", "Noise_XX+psk0_25519_ChaChaPoly_SHA256",
        "Noise_XXpsk0+psk0_25519_ChaChaPoly_SHA256", "Noise_XXfallback_25519_ChaChaPoly_SHA256",
        "Noise_IK_25519_ChaChaPoly_SHA256"}) {
    CAPTURE(name);
    CHECK_FALSE(Pattern::parse(name).has_value());
  }
}

TEST_CASE("HKDF is RFC 5869 with an empty info") {
  // RFC 5869, appendix A.3: salt empty (a key of zeros for HMAC) and info empty; the first 42 bytes of the output.
  const Secret salt = Secret::zeros();
  const std::vector<std::uint8_t> input(22, 0x0b);
  Wiped<32> first;
  Wiped<32> second;
  Wiped<32> third;
  hkdf(salt.bytes(), input, first.bytes, second.bytes, third.bytes.data());
  CHECK(to_hex(first.bytes) + to_hex(second.bytes).substr(0, 20) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}
