#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/base/time.hpp"
#include "net/noise/bytes.hpp"
#include "net/noise/handshake_state.hpp"

namespace ghoard::channel {

using noise::ByteSpan;
using noise::ByteView;

/// An Ed25519 public key (RFC 8032): who a peer is.
using IdentityKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;
using TargetHint = std::array<std::uint8_t, 8>;

/// Sizes on the wire, the two bytes of length included, and of the payloads inside.
inline constexpr std::size_t length_bytes = 2;
inline constexpr std::size_t first_wire_bytes = 128;
inline constexpr std::size_t later_wire_bytes = 512;
inline constexpr std::size_t hello_bytes = 78;
inline constexpr std::size_t responder_introduction_bytes = 414;
inline constexpr std::size_t initiator_introduction_bytes = 446;

/// Minor versions that a side speaks; both ends included.
struct VersionRange {
  std::uint16_t lowest = 0;
  std::uint16_t highest = 0;

  bool operator==(const VersionRange&) const = default;
  [[nodiscard]] bool is_valid() const { return lowest <= highest; }
  /// The highest version in both; empty when there is none.
  [[nodiscard]] std::optional<std::uint16_t> highest_common(VersionRange other) const;
};

/// The payload of message 1: u64be milliseconds since the epoch, u16be lowest and highest minor version, 8 bytes of
/// target hint, zeros up to 78 bytes that nobody reads. Never an identity: a holder of the PSK could read it.
struct Hello {
  base::WallTime time;
  VersionRange minors;
  TargetHint hint{};

  [[nodiscard]] std::array<std::uint8_t, hello_bytes> encode() const;
  /// Empty when the range is upside down.
  [[nodiscard]] static std::optional<Hello> decode(std::span<const std::uint8_t, hello_bytes> payload);
};

/// The first 8 bytes of SHA-256 of the wanted peer's key; zeros when nobody in particular is wanted.
[[nodiscard]] TargetHint hint_of(const std::optional<IdentityKey>& wanted);

/// The payloads of messages 2 and 3: Ed25519 key, signature, then TLVs (u8 type, u16be length, value) up to type 0,
/// and zeros up to the fixed size.
struct Introduction {
  static constexpr std::size_t max_software_bytes = 32;

  IdentityKey identity{};
  Signature signature{};
  VersionRange minors;   ///< TLV 1: u16be lowest and highest; must be there
  std::string software;  ///< TLV 2: printable ASCII, at most 32 bytes; what is not printable is read as '?'

  /// Fills `payload`, whose size is that of the message.
  void encode(ByteSpan payload) const;
  /// Unknown types are skipped. Empty when a TLV runs over the end, comes twice or has a wrong size.
  [[nodiscard]] static std::optional<Introduction> decode(ByteView payload);
};

/// Signs with this process's Ed25519 key; false when it cannot.
using Signer = std::function<bool(ByteView message, Signature& signature)>;

/// What an introduction's signature covers: it binds the identity to this handshake (h), to the sender's X25519 key and
/// to its role, so that nothing of it fits anywhere else.
using SignedBytes = std::array<std::uint8_t, 11 + 1 + noise::hash_bytes + noise::dh_bytes>;
[[nodiscard]] SignedBytes signed_bytes(noise::Role sender, const noise::Hash& hash,
                                       const noise::PublicKey& sender_static);
/// False too for keys that are invalid, not canonical or of small order.
[[nodiscard]] bool is_signed_by(const IdentityKey& key, ByteView message, const Signature& signature);

}  // namespace ghoard::channel
