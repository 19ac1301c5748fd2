#include "net/channel/record.hpp"

namespace ghoard::channel {

bool RecordCipher::seal(std::string& out, std::size_t begin, std::size_t plaintext_bytes) {
  const std::size_t length = plaintext_bytes + noise::tag_bytes;
  out[begin] = static_cast<char>(length >> 8);
  out[begin + 1] = static_cast<char>(length & 0xff);
  out.append(noise::tag_bytes, '\0');
  std::uint8_t* text = reinterpret_cast<std::uint8_t*>(out.data()) + begin + record_head_bytes;
  if (!m_cipher.encrypt({}, {text, plaintext_bytes}, text)) {
    return false;
  }
  count();
  return true;
}

bool RecordCipher::open(std::string_view ciphertext, std::uint8_t* out) {
  if (!m_cipher.decrypt({}, noise::view_of(ciphertext), out)) {
    return false;
  }
  count();
  return true;
}

void RecordCipher::count() {
  if (++m_records == records_per_key) {
    m_cipher.rekey();
    m_records = 0;
  }
}

std::size_t ciphertext_length(std::string_view head) {
  const std::size_t length =
      static_cast<std::size_t>(static_cast<std::uint8_t>(head[0]) << 8 | static_cast<std::uint8_t>(head[1]));
  const bool is_possible = length > noise::tag_bytes && length <= max_record_plaintext + noise::tag_bytes;
  return is_possible ? length : 0;
}

}  // namespace ghoard::channel
