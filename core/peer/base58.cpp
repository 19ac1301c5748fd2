#include "core/peer/base58.hpp"

#include <algorithm>

namespace ghoard::peer {

namespace {

constexpr std::string_view base58_digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view base36_digits = "0123456789abcdefghijklmnopqrstuvwxyz";

/// number = number * base + digit, where `number` is in base `limb_base`, least significant limb first.
void multiply_add(std::vector<std::uint8_t>& number, unsigned base, unsigned digit, unsigned limb_base) {
  unsigned carry = digit;
  for (std::uint8_t& limb : number) {
    carry += limb * base;
    limb = static_cast<std::uint8_t>(carry % limb_base);
    carry /= limb_base;
  }
  for (; carry > 0; carry /= limb_base) {
    number.push_back(static_cast<std::uint8_t>(carry % limb_base));
  }
}

std::optional<std::vector<std::uint8_t>> decode(std::string_view text, std::string_view digits) {
  if (text.size() > longest_base58) {
    return std::nullopt;
  }
  std::vector<std::uint8_t> bytes;
  for (const char c : text) {
    const std::size_t digit = digits.find(c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    multiply_add(bytes, static_cast<unsigned>(digits.size()), static_cast<unsigned>(digit), 256);
  }
  bytes.insert(bytes.end(), std::min(text.find_first_not_of(digits[0]), text.size()), 0);
  std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

}  // namespace

std::string encode_base58(std::span<const std::uint8_t> bytes) {
  if (bytes.size() > longest_base58) {
    return {};
  }
  std::vector<std::uint8_t> number;
  for (const std::uint8_t byte : bytes) {
    multiply_add(number, 256, byte, static_cast<unsigned>(base58_digits.size()));
  }
  const auto first = std::find_if(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0; });
  std::string text(static_cast<std::size_t>(first - bytes.begin()), base58_digits[0]);
  std::transform(number.rbegin(), number.rend(), std::back_inserter(text),
                 [](std::uint8_t digit) { return base58_digits[digit]; });
  return text;
}

std::optional<std::vector<std::uint8_t>> decode_base58(std::string_view text) {
  return decode(text, base58_digits);
}

std::optional<std::vector<std::uint8_t>> decode_base36(std::string_view text) {
  return decode(text, base36_digits);
}

}  // namespace ghoard::peer
