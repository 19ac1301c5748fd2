#include "core/peer/peer_id.hpp"

#include <algorithm>
#include <optional>
#include <sodium.h>
#include <span>
#include <vector>

#include "core/peer/base32.hpp"
#include "core/peer/base58.hpp"

namespace ghoard::peer {

namespace {

using Bytes = std::vector<std::uint8_t>;

// Multihash "identity", 36 bytes; protobuf KeyType 1 = Ed25519; Data, 32 bytes (libp2p specs, peer-ids).
constexpr std::array<std::uint8_t, 6> ed25519_prefix{0x00, 0x24, 0x08, 0x01, 0x12, 0x20};
// CID version 1, multicodec libp2p-key.
constexpr std::array<std::uint8_t, 2> cid_prefix{0x01, 0x72};
// Multihash SHA2-256, 32 bytes: what large keys are named by.
constexpr std::array<std::uint8_t, 2> sha256_prefix{0x12, 0x20};

tl::unexpected<base::Error> refuse(const std::string& reason) {
  return base::fail(base::ErrorCode::invalid_input, "peer id: " + reason);
}

tl::unexpected<base::Error> refuse_hashed() {
  return refuse("only Ed25519 (12D3KooW...) keys are supported, this is a hashed key");
}

bool starts_with(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> prefix) {
  return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

std::optional<Bytes> decode_hex(std::string_view text) {
  Bytes bytes(text.size() / 2);
  std::size_t size = 0;
  if (text.size() % 2 != 0 || text.find_first_of("ABCDEF") != std::string_view::npos ||
      sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, nullptr) != 0 ||
      size != bytes.size()) {
    return std::nullopt;
  }
  return bytes;
}

base::Result<Bytes> decoded(std::optional<Bytes> bytes, const char* encoding) {
  return bytes ? base::Result<Bytes>(std::move(*bytes)) : refuse("not " + std::string(encoding));
}

/// A CID's bytes by its multibase prefix.
base::Result<Bytes> decode_multibase(std::string_view text) {
  const std::string_view rest = text.substr(1);
  switch (text.front()) {
    case 'b': return decoded(decode_base32(rest, LetterCase::lower), "base32");
    case 'B': return decoded(decode_base32(rest, LetterCase::upper), "base32");
    case 'k': return decoded(decode_base36(rest), "base36");
    case 'z': return decoded(decode_base58(rest), "base58");
    case 'f': return decoded(decode_hex(rest), "base16");
  }
  return refuse("not an Ed25519 identity (12D3KooW...)");
}

base::Result<Bytes> multihash_of(std::string_view text) {
  if (text.front() == '1') {
    return decoded(decode_base58(text), "base58");
  }
  base::Result<Bytes> bytes = decode_multibase(text);
  if (bytes && !starts_with(*bytes, cid_prefix)) {
    return refuse("a CID, but not one of a peer's key");
  }
  if (bytes) {
    bytes->erase(bytes->begin(), bytes->begin() + cid_prefix.size());
  }
  return bytes;
}

}  // namespace

std::string PeerId::text() const {
  std::array<std::uint8_t, ed25519_prefix.size() + 32> bytes{};
  std::copy(key.begin(), key.end(), std::copy(ed25519_prefix.begin(), ed25519_prefix.end(), bytes.begin()));
  return encode_base58(bytes);
}

bool is_valid_key(const PeerId& id) {
  return crypto_core_ed25519_is_valid_point(id.key.data()) == 1;
}

base::Result<PeerId> parse_peer_id(std::string_view text) {
  if (text.empty()) {
    return refuse("empty");
  }
  if (text.size() > longest_peer_id) {
    return refuse("too long");
  }
  if (text.starts_with("Qm")) {
    return refuse_hashed();
  }
  const base::Result<Bytes> bytes = multihash_of(text);
  if (!bytes) {
    return tl::unexpected(bytes.error());
  }
  if (starts_with(*bytes, sha256_prefix)) {
    return refuse_hashed();
  }
  PeerId id;
  if (!starts_with(*bytes, ed25519_prefix) || bytes->size() != ed25519_prefix.size() + id.key.size()) {
    return refuse("not an Ed25519 identity (12D3KooW...)");
  }
  std::copy(bytes->begin() + ed25519_prefix.size(), bytes->end(), id.key.begin());
  if (!is_valid_key(id)) {
    return refuse("mistyped (not a valid Ed25519 point)");
  }
  return id;
}

}  // namespace ghoard::peer
