#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace ghoard::base {

/// A SHA-256 value (FIPS 180-4), computed by libsodium.
struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Digest&) const = default;  // NOLINT(modernize-use-nullptr)

  /// 64 lower-case hexadecimal digits.
  [[nodiscard]] std::string hex() const;
  /// Standard base64 with padding, 44 characters: the form of token fingerprints in GitHub's audit log.
  [[nodiscard]] std::string base64() const;
};

/// Incremental SHA-256. `finish` may be called once.
class Sha256 {
 public:
  Sha256();
  Sha256& update(std::string_view bytes);
  [[nodiscard]] Digest finish();

 private:
  // crypto_hash_sha256_state, kept opaque so that sodium.h stays out of headers; sizes are asserted in the source.
  alignas(8) std::array<unsigned char, 104> m_state{};
};

[[nodiscard]] Digest sha256(std::string_view bytes);

/// For unordered containers: a SHA-256 value is already uniform.
struct DigestHash {
  std::size_t operator()(const Digest& digest) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, digest.bytes.data(), sizeof value);
    return value;
  }
};

}  // namespace ghoard::base
