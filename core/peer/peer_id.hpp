#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace ghoard::peer {

/// Who a peer is: its Ed25519 public key. Ordered by the key's bytes: of two simultaneous connections the one dialled
/// by the lower id stays.
struct PeerId {
  std::array<std::uint8_t, 32> key{};

  // clang-tidy 14 takes the 0 that comparisons are rewritten with for a pointer.
  auto operator<=>(const PeerId&) const = default;  // NOLINT(modernize-use-nullptr)

  /// libp2p's form of an Ed25519 id, base58btc of 00 24 08 01 12 20 and the key: 52 characters, "12D3KooW...".
  [[nodiscard]] std::string text() const;
};

inline constexpr std::size_t longest_peer_id = 128;

/// Reads "12D3KooW...", and the CID form of the same id (multibase b, B, k, z or f; CIDv1 with codec libp2p-key).
/// invalid_input, with the reason: another alphabet, a hashed id ("Qm..."), another kind of key, or no point of the
/// curve's prime-order group. Ids have no checksum; that last test finds 94 % of the slips of one character.
[[nodiscard]] base::Result<PeerId> parse_peer_id(std::string_view text);

/// True for the keys that parse_peer_id accepts: canonical, of large order, in the prime-order group.
[[nodiscard]] bool is_valid_key(const PeerId& id);

/// For unordered containers. Keys are chosen by their owners, who could make many with equal bytes somewhere: where
/// strangers' ids are collected, bound their number.
struct PeerIdHash {
  std::size_t operator()(const PeerId& id) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, id.key.data(), sizeof value);
    return value;
  }
};

}  // namespace ghoard::peer
