#include "core/peer/network_key.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <set>

#include "core/base/digest.hpp"
#include "tests/core/peer/examples.hpp"

using namespace ghoard;
using peer::KeySource;
using peer::TokenKind;

namespace {

std::string hex_of(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::string bytes_of_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

std::string key_of(std::uint8_t byte) {
  std::array<std::uint8_t, peer::network_secret_size> random{};
  random.fill(byte);
  return peer::make_network_key(random);
}

const std::string token = "ghp_" + std::string(36, 'A');

}  // namespace

TEST_CASE("derived keys are those of the known answers") {
  const nlohmann::json document = testing::read_cases("psk_kats.json");
  CHECK(document["psk"].size() == 3);
  for (const nlohmann::json& line : document["psk"]) {
    const KeySource source = line["source"] == "github-token" ? KeySource::github_token : KeySource::network_key;
    const std::string secret =
        line.contains("secret") ? line["secret"].get<std::string>() : bytes_of_hex(line["secret_hex"]);
    const auto key = peer::derive_network_key(source, secret, line["network"].get<std::string>());
    REQUIRE(key);
    CHECK(key->source == source);
    CHECK(hex_of(key->noise_psk.view()) == line["noise_psk"]);
    CHECK(hex_of(key->registry_key.view()) == line["registry_key"]);
  }
}

TEST_CASE("a key is told by eight digits that differ per key and hold none of it") {
  std::set<std::string> ids;
  for (std::uint8_t byte = 0; byte < 50; ++byte) {
    for (const char* network : {"default", "ci"}) {
      const auto key =
          peer::derive_network_key(KeySource::network_key, std::string(32, static_cast<char>(byte)), network);
      const std::string id = key->id();
      CHECK(id.size() == 8);
      CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
      CHECK(hex_of(key->noise_psk.view()).find(id) == std::string::npos);
      CHECK(hex_of(key->registry_key.view()).find(id) == std::string::npos);
      ids.insert(id);
    }
  }
  CHECK(ids.size() == 100);
  CHECK(peer::NetworkKey().id().empty());
}

TEST_CASE("a network key is read back, in either case of its letters") {
  std::string text = key_of(0xa5);
  CHECK(text.size() == 64);
  CHECK(text.starts_with("ghnk1_"));
  CHECK(peer::check_network_key(text)->view() == std::string(32, '\xa5'));
  std::transform(text.begin() + 6, text.end(), text.begin() + 6,
                 [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
  CHECK(peer::check_network_key(text)->view() == std::string(32, '\xa5'));
}

TEST_CASE("the written form of a network key stays what it is: base32 of the bytes and of four of their SHA-256") {
  // Computed with Python: base64.b32encode(b + hashlib.sha256(b).digest()[:4]) for b = b"\1" * 32.
  CHECK(key_of(1) == "ghnk1_aeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaxftloqq");
}

TEST_CASE("every slip in a network key is found and names the command that makes one") {
  const std::string right = key_of(7);
  const std::string letters = "abcdefghijklmnopqrstuvwxyz2345670189_-A";
  for (std::size_t at = 0; at < right.size(); ++at) {
    for (const char letter : letters) {
      std::string wrong = right;
      wrong[at] = letter;
      if (wrong[at] == right[at] || (at >= 6 && letter == 'A' && right[at] == 'a')) {
        continue;
      }
      const auto secret = peer::check_network_key(wrong);
      REQUIRE_MESSAGE(!secret, wrong);
      CHECK(secret.error().message.find("`ghoard network new-key`") != std::string::npos);
    }
  }
}

TEST_CASE("anything that people might make up is refused, and the error does not repeat it") {
  for (const std::string& text :
       {std::string("correct horse battery staple"), std::string(), std::string("ghnk1_"), key_of(1) + "a",
        key_of(1).substr(0, 63), "ghnk2_" + key_of(1).substr(6), std::string(100'000, 'a'), token,
        "ghnk1_" + std::string(58, 'a'), std::string("ghnk1_hunter2"), " " + key_of(1)}) {
    const auto secret = peer::check_network_key(text);
    REQUIRE_MESSAGE(!secret, text.substr(0, 80));
    const std::string& message = secret.error().message;
    CHECK(message.find("`ghoard network new-key`") != std::string::npos);
    CHECK(message.size() < 120);
    if (text.size() > 8) {
      CHECK(message.find(text.substr(6)) == std::string::npos);
    }
  }
}

TEST_CASE("up to four network keys may be given, the first of which comes first") {
  const auto keys =
      peer::parse_network_keys(" " + key_of(1) + ", " + key_of(2) + " ," + key_of(3) + "," + key_of(4) + "\n");
  REQUIRE(keys);
  REQUIRE(keys->size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK((*keys)[i].view() == std::string(32, static_cast<char>(i + 1)));
  }
  CHECK(peer::parse_network_keys("")->empty());
  CHECK(peer::parse_network_keys("  ")->empty());
}

TEST_CASE("a list of network keys with a bad one is refused by its number, and never in part") {
  const auto message = [](const std::string& text) {
    const auto keys = peer::parse_network_keys(text);
    return keys ? "accepted" : keys.error().message;
  };
  const std::string one = key_of(1);
  CHECK(message(one + ",secret-word").starts_with("network key 2: not a network key"));
  CHECK(message(one + ",").starts_with("network key 2: "));
  CHECK(message("," + one).starts_with("network key 1: "));
  CHECK(message(one + "," + key_of(2) + "," + one) == "network key 3: given twice");
  CHECK(message(one + "," + key_of(2) + "," + key_of(3) + "," + key_of(4) + "," + key_of(5)) ==
        "more than four network keys");
  CHECK(message(one + ",secret-word").find("secret-word") == std::string::npos);
}

TEST_CASE("tokens are told apart by their prefixes and lengths") {
  const std::string fine = "github_pat_" + std::string(22, 'B') + "_" + std::string(59, 'c');
  CHECK(fine.size() == 93);
  CHECK(peer::token_kind(token) == TokenKind::classic);
  CHECK(peer::token_kind(fine) == TokenKind::fine_grained);
  CHECK(peer::token_kind(std::string(40, 'f')) == TokenKind::legacy);
  CHECK(peer::token_kind("gho_" + std::string(36, 'A')) == TokenKind::oauth);
  CHECK(peer::token_kind("ghu_" + std::string(36, 'A')) == TokenKind::user_to_server);
  CHECK(peer::token_kind("ghs_" + std::string(36, 'A')) == TokenKind::server_to_server);
  CHECK(peer::token_kind("ghs_" + std::string(300, 'A')) == TokenKind::server_to_server);
  CHECK(peer::token_kind("ghr_" + std::string(76, 'A')) == TokenKind::refresh);
  for (const std::string& text :
       {std::string(), std::string("ghp_"), token + "A", token.substr(1), "ghp_" + std::string(35, 'A') + "-",
        fine + "c", fine.substr(0, 92), "github_pat_" + std::string(82, 'c'), std::string(39, 'a'),
        std::string(41, 'a'), std::string(40, 'g'), std::string(40, 'F'), std::string("hunter2"), token + "\n"}) {
    CHECK_MESSAGE(peer::token_kind(text) == TokenKind::unknown, text);
    CHECK_FALSE(peer::is_stable_github_token(text));
  }
}

TEST_CASE("keys come only from tokens that all machines share, and a refusal says what to do without the token") {
  CHECK(peer::derive_network_key(KeySource::github_token, token, "default"));
  CHECK(peer::derive_network_key(KeySource::github_token, std::string(40, 'a'), "default"));
  for (const std::string& text : {"gho_" + std::string(36, 'Q'), "ghs_" + std::string(36, 'Q'),
                                  "ghu_" + std::string(36, 'Q'), std::string("QQQQQQQQ")}) {
    const auto key = peer::derive_network_key(KeySource::github_token, text, "default");
    REQUIRE_FALSE(key);
    CHECK(key.error().message.find("`ghoard network new-key`") != std::string::npos);
    CHECK(key.error().message.find("QQQ") == std::string::npos);
  }
}

TEST_CASE("the same bytes give other keys as another source and for another network") {
  const std::string bytes(32, 'k');
  const auto one = peer::derive_network_key(KeySource::network_key, bytes, "default");
  const auto other = peer::derive_network_key(KeySource::network_key, bytes, "defaulu");
  CHECK(one->noise_psk.view() != other->noise_psk.view());
  CHECK(one->registry_key.view() != other->registry_key.view());
  CHECK(one->noise_psk.view() != one->registry_key.view());
}

TEST_CASE("secrets of another length and names that cannot be read aloud are refused") {
  CHECK_FALSE(peer::derive_network_key(KeySource::network_key, std::string(31, 'k'), "default"));
  CHECK_FALSE(peer::derive_network_key(KeySource::network_key, std::string(33, 'k'), "default"));
  CHECK_FALSE(peer::derive_network_key(KeySource::network_key, "", "default"));
  const std::string secret(32, 'k');
  CHECK(peer::derive_network_key(KeySource::network_key, secret, "team a/b"));
  CHECK(peer::derive_network_key(KeySource::network_key, secret, std::string(64, 'n')));
  for (const std::string& name :
       {std::string(), std::string(65, 'n'), std::string("a\0b", 3), std::string("a\n"), std::string("caf\xc3\xa9")}) {
    CHECK_FALSE(peer::derive_network_key(KeySource::network_key, secret, name));
  }
}
