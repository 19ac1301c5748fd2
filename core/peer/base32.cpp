#include "core/peer/base32.hpp"

namespace ghoard::peer {

namespace {

constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz234567";

/// The value of a character, or nothing.
std::optional<unsigned> value_of(char c, LetterCase letters) {
  if (c >= 'A' && c <= 'Z' && letters != LetterCase::lower) {
    return static_cast<unsigned>(c - 'A');
  }
  if (c >= 'a' && c <= 'z' && letters != LetterCase::upper) {
    return static_cast<unsigned>(c - 'a');
  }
  if (c >= '2' && c <= '7') {
    return static_cast<unsigned>(c - '2') + 26;
  }
  return std::nullopt;
}

}  // namespace

std::string encode_base32(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve((bytes.size() * 8 + 4) / 5);
  unsigned held = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    held = (held << 8 | byte) & 0xffff;
    for (bits += 8; bits >= 5; bits -= 5) {
      text += digits[held >> (bits - 5) & 31];
    }
  }
  if (bits > 0) {
    text += digits[held << (5 - bits) & 31];
  }
  return text;
}

std::optional<std::vector<std::uint8_t>> decode_base32(std::string_view text, LetterCase letters) {
  if (text.size() > longest_base32) {
    return std::nullopt;
  }
  std::vector<std::uint8_t> bytes;
  bytes.reserve(text.size() * 5 / 8);  // never grown: the bytes may be secret, and growing would leave copies
  unsigned held = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::optional<unsigned> value = value_of(c, letters);
    if (!value) {
      return std::nullopt;
    }
    held = (held << 5 | *value) & 0xffff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<std::uint8_t>(held >> bits));
    }
  }
  const bool spare_bits_set = (held & ((1U << bits) - 1)) != 0;
  if (bits >= 5 || spare_bits_set) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace ghoard::peer
