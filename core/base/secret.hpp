#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace ghoard::base {

/// Overwrites a text that held a secret, and empties it; the compiler may not leave that out.
void wipe(std::string& text);

/// Bytes in libsodium's guarded memory: out of swap and core dumps where the kernel allows it, wiped when they go.
/// Move-only. A page and its guards stand behind each, so this is for keys and tokens, not for data.
class SecretBytes {
 public:
  static constexpr std::size_t longest = 64 * 1024;

  /// Holds nothing.
  SecretBytes() = default;
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() = default;

  /// `size` zero bytes. too_large: above `longest`; system: no memory of that kind is left.
  static Result<SecretBytes> create(std::size_t size);
  /// A copy; wiping the original is up to its owner. Errors as of `create`.
  static Result<SecretBytes> copy(std::span<const std::uint8_t> bytes);
  static Result<SecretBytes> copy(std::string_view bytes);

  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {m_bytes.get(), m_size}; }
  [[nodiscard]] std::span<std::uint8_t> writable() { return {m_bytes.get(), m_size}; }
  [[nodiscard]] std::string_view view() const { return {reinterpret_cast<const char*>(m_bytes.get()), m_size}; }
  [[nodiscard]] std::size_t size() const { return m_size; }
  [[nodiscard]] bool empty() const { return m_size == 0; }

  /// Compares in a time that depends on the sizes alone.
  [[nodiscard]] bool equals(std::span<const std::uint8_t> other) const;

 private:
  struct Free {
    void operator()(std::uint8_t* bytes) const;
  };

  std::unique_ptr<std::uint8_t, Free> m_bytes;
  std::size_t m_size = 0;
};

}  // namespace ghoard::base
