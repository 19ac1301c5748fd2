#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ghoard::peer {

inline constexpr std::size_t longest_base32 = 256;

enum class LetterCase { lower, upper, either };

/// RFC 4648 section 6 without padding, in lower case.
[[nodiscard]] std::string encode_base32(std::span<const std::uint8_t> bytes);

/// Nothing: a character of another alphabet or case, a length that no bytes have, unused bits that are set, padding, or
/// longer than `longest_base32`. In one case, each byte string has one text.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> decode_base32(std::string_view text, LetterCase letters);

}  // namespace ghoard::peer
