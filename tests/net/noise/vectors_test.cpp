// The published vectors of cacophony, snow, flynn/noise and noise-c for XX with 25519, ChaChaPoly and SHA256
// (tests/data/noise_vectors.json names their sources and licences): every message in both roles.

#include <doctest/doctest.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "net/noise/handshake_state.hpp"
#include "tests/net/noise/hex.hpp"

using namespace ghoard::noise;
using Json = nlohmann::json;

namespace {

Json read_vectors() {
  std::ifstream file(GHOARD_SOURCE_DIR "/tests/data/noise_vectors.json");
  REQUIRE(file);
  return Json::parse(file).at("vectors");
}

HandshakeState state_of(const Json& vector, Role role) {
  const std::string side = role == Role::initiator ? "init" : "resp";
  const std::optional<Pattern> pattern = Pattern::parse(vector.at("protocol_name").get<std::string>());
  REQUIRE(pattern.has_value());
  HandshakeKeys keys;
  keys.local_static = std::make_shared<const KeyPair>(
      KeyPair::from_secret(secret_from_hex(vector.at(side + "_static").get<std::string>())));
  keys.ephemeral = KeyPair::from_secret(secret_from_hex(vector.at(side + "_ephemeral").get<std::string>()));
  if (pattern->psk_count() > 0) {
    for (const Json& psk : vector.at(side + "_psks")) {
      keys.psks.push_back(secret_from_hex(psk.get<std::string>()));
    }
  }
  REQUIRE(keys.psks.size() == pattern->psk_count());
  return HandshakeState(*pattern, role, from_hex(vector.at(side + "_prologue").get<std::string>()), std::move(keys));
}

/// One side of a vector, the other side being the published bytes.
class Side {
 public:
  Side(const Json& vector, Role role) : m_role(role), m_handshake(state_of(vector, role)) {}

  void run(const Json& message) {
    const std::vector<std::uint8_t> payload = from_hex(message.at("payload").get<std::string>());
    const std::vector<std::uint8_t> wire = from_hex(message.at("ciphertext").get<std::string>());
    const bool ours = (message.at("sender") == "initiator") == (m_role == Role::initiator);
    if (message.at("phase") == "handshake") {
      ours ? write(payload, wire) : read(payload, wire);
    } else {
      ours ? seal(payload, wire) : open(payload, wire);
    }
  }

  const HandshakeState& handshake() const { return m_handshake; }

 private:
  void write(const std::vector<std::uint8_t>& payload, const std::vector<std::uint8_t>& wire) {
    std::vector<std::uint8_t> out(max_message_bytes);
    const auto keys = m_handshake.write_tokens(out);
    REQUIRE(keys.has_value());
    const auto sealed = m_handshake.write_payload(payload, ByteSpan(out).subspan(*keys));
    REQUIRE(sealed.has_value());
    out.resize(*keys + *sealed);
    CHECK(to_hex(out) == to_hex(wire));
  }

  void read(const std::vector<std::uint8_t>& payload, const std::vector<std::uint8_t>& wire) {
    std::vector<std::uint8_t> out(max_message_bytes);
    const auto keys = m_handshake.read_tokens(wire);
    REQUIRE(keys.has_value());
    const auto size = m_handshake.read_payload(ByteView(wire).subspan(*keys), out);
    REQUIRE(size.has_value());
    out.resize(*size);
    CHECK(to_hex(out) == to_hex(payload));
  }

  HandshakeState::Transport& transport() {
    REQUIRE(m_handshake.is_finished());
    if (!m_transport) {
      m_transport = m_handshake.split();
    }
    return *m_transport;
  }

  void seal(const std::vector<std::uint8_t>& payload, const std::vector<std::uint8_t>& wire) {
    std::vector<std::uint8_t> out(payload.size() + tag_bytes);
    REQUIRE(transport().send.encrypt({}, payload, out.data()));
    CHECK(to_hex(out) == to_hex(wire));
  }

  void open(const std::vector<std::uint8_t>& payload, const std::vector<std::uint8_t>& wire) {
    REQUIRE(wire.size() >= tag_bytes);
    std::vector<std::uint8_t> out(wire.size() - tag_bytes);
    REQUIRE(transport().receive.decrypt({}, wire, out.data()));
    CHECK(to_hex(out) == to_hex(payload));
  }

  Role m_role;
  HandshakeState m_handshake;
  std::optional<HandshakeState::Transport> m_transport;
};

}  // namespace

TEST_CASE("every published vector is reproduced in both roles, transport messages included") {
  const Json vectors = read_vectors();
  CHECK(vectors.size() == 25);
  for (const Json& vector : vectors) {
    CAPTURE(vector.at("protocol_name").get<std::string>());
    CAPTURE(vector.at("source").get<std::string>());
    for (const Role role : {Role::initiator, Role::responder}) {
      Side side(vector, role);
      for (const Json& message : vector.at("messages")) {
        side.run(message);
      }
      CHECK(to_hex(side.handshake().handshake_hash()) == vector.at("handshake_hash").get<std::string>());
      const std::string other = role == Role::initiator ? "resp_static" : "init_static";
      const KeyPair expected = KeyPair::from_secret(secret_from_hex(vector.at(other).get<std::string>()));
      REQUIRE(side.handshake().remote_static().has_value());
      CHECK(*side.handshake().remote_static() == expected.public_key);
    }
  }
}
