// Peer ids and the encodings that they come in: what is accepted is written back the same.
// links: ghoard_core_peer

#include <algorithm>

#include "core/peer/base32.hpp"
#include "core/peer/base58.hpp"
#include "core/peer/ip_address.hpp"
#include "core/peer/peer_id.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const base::Result<peer::PeerId> id = peer::parse_peer_id(text)) {
    const std::string canonical = id->text();
    require(canonical.size() == 52 && canonical.starts_with("12D3KooW"), "an Ed25519 id has its form");
    const base::Result<peer::PeerId> again = peer::parse_peer_id(canonical);
    require(again && *again == *id, "an id means the same in its canonical form");
    require(text.front() != '1' || text == canonical, "there is one base58 form");
  }
  if (const auto bytes = peer::decode_base58(text)) {
    require(peer::encode_base58(*bytes) == text, "base58 has one form");
  }
  if (const auto bytes = peer::decode_base32(text, peer::LetterCase::lower)) {
    require(peer::encode_base32(*bytes) == text, "base32 has one form");
  }
  static_cast<void>(peer::decode_base36(text));
  if (size <= peer::longest_base58) {
    const auto bytes = peer::decode_base58(peer::encode_base58({data, size}));
    // What is longest in bytes is too long in characters.
    require(bytes ? std::equal(bytes->begin(), bytes->end(), data, data + size) : size > 90, "bytes survive base58");
  }
  if (const auto address = peer::parse_ip6(text)) {
    require(peer::parse_ip6(peer::format_ip6(*address)) == address, "an IPv6 address survives its text");
  }
  if (const auto address = peer::parse_ip4(text)) {
    require(peer::format_ip4(*address) == text, "an IPv4 address has one form");
  }
  return 0;
}
