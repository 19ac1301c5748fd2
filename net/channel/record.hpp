#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "net/noise/cipher_state.hpp"

namespace ghoard::channel {

/// A record is `u16be length ‖ ciphertext`, the ciphertext holding 1 to 32,768 bytes of plaintext and a tag.
inline constexpr std::size_t record_head_bytes = 2;
inline constexpr std::size_t max_record_plaintext = 32 * 1024;
inline constexpr std::size_t record_overhead = record_head_bytes + noise::tag_bytes;
inline constexpr std::size_t max_record_bytes = max_record_plaintext + record_overhead;
/// Each direction makes itself a new key after so many records, on its own count.
inline constexpr std::uint64_t records_per_key = 65'536;

/// A direction's cipher and its count. One thread.
class RecordCipher {
 public:
  explicit RecordCipher(noise::CipherState cipher) : m_cipher(std::move(cipher)) {}

  /// Seals in place: `out` ends with room for the length and then `plaintext_bytes` of plaintext, from `begin` on.
  /// False once the nonces are used up; then nothing may be sent any more.
  [[nodiscard]] bool seal(std::string& out, std::size_t begin, std::size_t plaintext_bytes);
  /// Opens a record's ciphertext into `out`, which has room for ciphertext.size() - 16 bytes. False: the direction is
  /// broken, and the channel is to be closed.
  [[nodiscard]] bool open(std::string_view ciphertext, std::uint8_t* out);

 private:
  void count();

  noise::CipherState m_cipher;
  std::uint64_t m_records = 0;
};

/// The length of a record's ciphertext as its first two bytes say, or 0 if no record is that long.
[[nodiscard]] std::size_t ciphertext_length(std::string_view head);

}  // namespace ghoard::channel
