#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ghoard::noise {

using ByteView = std::span<const std::uint8_t>;
using ByteSpan = std::span<std::uint8_t>;

/// DHLEN and HASHLEN of 25519 and SHA256, and the tag of ChaChaPoly (Noise rev 34, sections 12.1 to 12.3).
inline constexpr std::size_t dh_bytes = 32;
inline constexpr std::size_t hash_bytes = 32;
inline constexpr std::size_t tag_bytes = 16;
/// The longest Noise message (section 3).
inline constexpr std::size_t max_message_bytes = 65535;

using PublicKey = std::array<std::uint8_t, dh_bytes>;
using Hash = std::array<std::uint8_t, hash_bytes>;

inline ByteView view_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace ghoard::noise
