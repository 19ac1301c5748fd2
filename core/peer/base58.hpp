#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ghoard::peer {

/// Positional encodings cost the square of their length, so only short texts are taken; ids have 62 characters at most.
inline constexpr std::size_t longest_base58 = 128;

/// base58btc: the alphabet without 0, O, I and l, and one '1' for each leading zero byte. At most `longest_base58`
/// bytes, else an empty text.
[[nodiscard]] std::string encode_base58(std::span<const std::uint8_t> bytes);

/// Nothing: a character of another alphabet, or too long. Each byte string has one text and the other way round.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> decode_base58(std::string_view text);

/// Multibase `k`: digits and lower-case letters, one '0' for each leading zero byte. As decode_base58.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> decode_base36(std::string_view text);

}  // namespace ghoard::peer
