#include "core/peer/peer_id.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <unordered_set>

#include "core/peer/base32.hpp"
#include "core/peer/base58.hpp"
#include "tests/core/peer/examples.hpp"

using namespace ghoard;
using Bytes = std::vector<std::uint8_t>;

namespace {

std::string reason_of(const std::string& text) {
  const base::Result<peer::PeerId> id = peer::parse_peer_id(text);
  return id ? "accepted" : id.error().message;
}

Bytes cid_of(const peer::PeerId& id) {
  Bytes bytes{0x01, 0x72, 0x00, 0x24, 0x08, 0x01, 0x12, 0x20};
  bytes.insert(bytes.end(), id.key.begin(), id.key.end());
  return bytes;
}

std::string hex_of(const Bytes& bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace

TEST_CASE("a peer id is libp2p's: the example of its specification and the ids of known seeds") {
  // specs/peer-ids, test vectors: the Ed25519 key 1ed1e8fa...
  const peer::PeerId id = *peer::parse_peer_id("12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq");
  CHECK(hex_of({id.key.begin(), id.key.end()}).starts_with("1ed1e8fa"));
  CHECK(id.text() == "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq");
  const nlohmann::json cases = testing::read_cases("multiaddr_cases.json");
  CHECK(testing::id_of_seed(1).text() == cases["peer1"]);
  CHECK(testing::id_of_seed(2).text() == cases["self"]);
}

TEST_CASE("every form of a CID names the same peer as the base58 form") {
  const peer::PeerId id = testing::id_of_seed(1);
  const Bytes cid = cid_of(id);
  std::string upper = peer::encode_base32(cid);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) { return c >= 'a' ? char(c - 'a' + 'A') : c; });
  CHECK(*peer::parse_peer_id("bafzaajaiaejcbcui4poxicprsx6vfwznhs5f24wkm4e36hmucin7g5eiag2a6324") == id);
  CHECK(*peer::parse_peer_id("b" + peer::encode_base32(cid)) == id);
  CHECK(*peer::parse_peer_id("B" + upper) == id);
  CHECK(*peer::parse_peer_id("z" + peer::encode_base58(cid)) == id);
  CHECK(*peer::parse_peer_id("f" + hex_of(cid)) == id);
  CHECK(*peer::parse_peer_id("k51qzi5uqu5djmw2yvf8kk5cdjc1ddc00o4d5sjwi6f79xzcay9j3gkddw5uu4") == id);
}

TEST_CASE("hashed ids, other kinds of keys and other CIDs are refused with their reason") {
  const std::string hashed = "peer id: only Ed25519 (12D3KooW...) keys are supported, this is a hashed key";
  const std::string other = "peer id: not an Ed25519 identity (12D3KooW...)";
  CHECK(reason_of("QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC") == hashed);
  Bytes sha256{0x01, 0x72, 0x12, 0x20};
  sha256.resize(36, 7);
  CHECK(reason_of("b" + peer::encode_base32(sha256)) == hashed);
  Bytes secp256k1{0x00, 0x25, 0x08, 0x02, 0x12, 0x21};
  secp256k1.resize(39, 2);
  CHECK(reason_of(peer::encode_base58(secp256k1)).find("not ") != std::string::npos);
  CHECK(reason_of("1" + peer::encode_base58(cid_of(testing::id_of_seed(1)))) == other);
  Bytes file = cid_of(testing::id_of_seed(1));
  file[1] = 0x70;
  CHECK(reason_of("b" + peer::encode_base32(file)) == "peer id: a CID, but not one of a peer's key");
  CHECK(reason_of("") == "peer id: empty");
  CHECK(reason_of(std::string(200, '1')) == "peer id: too long");
  CHECK(reason_of("12D3KooWK99VoVxNE7Xz0BwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5") == "peer id: not base58");
  CHECK(reason_of("someone") == other);
}

TEST_CASE("keys of small order, outside the prime-order group or without a canonical form are refused") {
  std::vector<Bytes> keys;
  keys.push_back(Bytes(32, 0));  // order 4
  Bytes one(32, 0);
  one[0] = 1;  // the neutral element
  keys.push_back(one);
  Bytes minus_one(32, 0xff);
  minus_one[0] = 0xec;
  minus_one[31] = 0x7f;  // y = -1, order 2
  keys.push_back(minus_one);
  Bytes unreduced = minus_one;
  unreduced[0] = 0xee;  // y = p + 1
  keys.push_back(unreduced);
  for (const Bytes& key : keys) {
    peer::PeerId id;
    std::copy(key.begin(), key.end(), id.key.begin());
    CHECK_MESSAGE(!peer::is_valid_key(id), hex_of(key));
    CHECK(reason_of(id.text()) == "peer id: mistyped (not a valid Ed25519 point)");
  }
}

TEST_CASE("at least nine of ten slips of one character are found") {
  const std::string alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  int typed = 0;
  int refused = 0;
  for (std::uint8_t seed = 1; seed <= 4; ++seed) {
    const std::string right = testing::id_of_seed(seed).text();
    CHECK(right.size() == 52);
    for (std::size_t at = 0; at < right.size(); ++at) {
      for (std::size_t step = 0; step < alphabet.size(); step += 5) {
        std::string wrong = right;
        wrong[at] = alphabet[(step + at) % alphabet.size()];
        typed += wrong != right ? 1 : 0;
        refused += wrong != right && !peer::parse_peer_id(wrong) ? 1 : 0;
      }
    }
  }
  CHECK(typed > 2000);
  CHECK_MESSAGE(refused * 10 >= typed * 9, refused, " of ", typed);
  CHECK(refused < typed);  // there is no checksum: if all were found, the test would not try enough
}

TEST_CASE("what is accepted is written back the same, and damaged ids are refused or valid") {
  testing::Dice dice(3);
  const std::string right = testing::id_of_seed(9).text();
  for (int i = 0; i < 3000; ++i) {
    std::string text = right;
    for (std::size_t n = dice.below(3) + 1; n > 0; --n) {
      const std::size_t at = dice.below(text.size() + 1);
      switch (dice.below(3)) {
        case 0: text.insert(text.begin() + static_cast<std::ptrdiff_t>(at), static_cast<char>(dice.below(256))); break;
        case 1: text.erase(std::min(at, text.size() - 1), 1); break;
        case 2: std::swap(text[at % text.size()], text[(at + 1) % text.size()]); break;
      }
    }
    if (const base::Result<peer::PeerId> id = peer::parse_peer_id(text)) {
      CHECK(id->text() == text);
      CHECK(peer::is_valid_key(*id));
    }
  }
}

TEST_CASE("peer ids are ordered by their keys and can be counted") {
  peer::PeerId low;
  peer::PeerId high;
  low.key[0] = 0x7f;
  low.key[31] = 0xff;
  high.key[0] = 0x80;
  CHECK(low < high);
  std::unordered_set<peer::PeerId, peer::PeerIdHash> ids{low, high, low};
  CHECK(ids.size() == 2);
}
