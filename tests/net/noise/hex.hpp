#pragma once

#include <cstdint>
#include <doctest/doctest.h>
#include <sodium.h>
#include <string>
#include <string_view>
#include <vector>

#include "net/noise/secret.hpp"

namespace ghoard::noise {

inline std::vector<std::uint8_t> from_hex(std::string_view text) {
  std::vector<std::uint8_t> bytes(text.size() / 2);
  if (text.empty()) {
    return bytes;
  }
  std::size_t size = 0;
  REQUIRE(sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, nullptr) == 0);
  REQUIRE(size == bytes.size());
  return bytes;
}

inline std::string to_hex(ByteView bytes) {
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

inline Secret secret_from_hex(std::string_view text) {
  const std::vector<std::uint8_t> bytes = from_hex(text);
  REQUIRE(bytes.size() == Secret::size);
  return Secret::copy_of(Secret::ConstBytes(bytes.data(), Secret::size));
}

}  // namespace ghoard::noise
