#pragma once

#include <cstdint>
#include <span>

#include "net/noise/bytes.hpp"

namespace ghoard::noise {

/// 32 secret bytes: a private key, a PSK, a chaining key or a cipher key. They live in guarded pages that are locked
/// into memory where the process may do that (RLIMIT_MEMLOCK) and kept out of core dumps, and are wiped when their
/// owner ends. Such pages are shared by 500 secrets, since a page for each would be 8 KiB per secret.
/// Move-only; a moved-from or default-made one is empty. Any thread may make and destroy secrets.
class Secret {
 public:
  static constexpr std::size_t size = 32;
  using Bytes = std::span<std::uint8_t, size>;
  using ConstBytes = std::span<const std::uint8_t, size>;

  Secret() = default;
  /// A copy of `bytes`, which the caller wipes.
  [[nodiscard]] static Secret copy_of(ConstBytes bytes);
  [[nodiscard]] static Secret zeros();
  [[nodiscard]] static Secret random();

  ~Secret() { wipe(); }
  Secret(Secret&& other) noexcept : m_slot(other.m_slot) { other.m_slot = nullptr; }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  /// A second copy, which has to be asked for by name. Empty stays empty.
  [[nodiscard]] Secret clone() const;
  [[nodiscard]] bool is_empty() const { return m_slot == nullptr; }
  /// Only of one that is not empty.
  [[nodiscard]] ConstBytes bytes() const { return ConstBytes(m_slot, size); }
  [[nodiscard]] Bytes bytes() { return Bytes(m_slot, size); }
  /// Wipes it now and leaves it empty.
  void wipe();

 private:
  explicit Secret(std::uint8_t* slot) : m_slot(slot) {}

  std::uint8_t* m_slot = nullptr;
};

/// Bytes on the stack that are wiped at the end of the block: what is secret for the length of one computation.
template <std::size_t N>
struct Wiped {
  std::array<std::uint8_t, N> bytes{};

  Wiped() = default;
  ~Wiped() {
    // As sodium_memzero does where the system has no such call: the compiler may not see that nobody reads it again.
    for (volatile std::uint8_t& byte : bytes) {
      byte = 0;
    }
  }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
};

/// A private X25519 key and its public one (RFC 7748).
struct KeyPair {
  Secret secret;
  PublicKey public_key{};

  [[nodiscard]] static KeyPair generate();
  [[nodiscard]] static KeyPair from_secret(Secret secret);
};

}  // namespace ghoard::noise
