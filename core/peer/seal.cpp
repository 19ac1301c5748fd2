#include "core/peer/seal.hpp"

#include <sodium.h>

namespace ghoard::peer {

namespace {

constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == seal_key_size);
static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == seal_nonce_size);

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string to_base64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes_of(bytes), bytes.size(), variant);
  text.pop_back();  // libsodium counts the final NUL
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(bytes_of(bytes), bytes.size(), text.data(), text.size(), nullptr, &size, &end, variant) != 0 ||
      end != text.data() + text.size()) {
    return std::nullopt;
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace

std::optional<std::string> seal(const base::SecretBytes& key, std::string_view context, std::string_view plain,
                                std::span<const std::uint8_t, seal_nonce_size> nonce) {
  if (key.size() != seal_key_size) {
    return std::nullopt;
  }
  std::string sealed(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  sealed.resize(seal_nonce_size + plain.size() + tag_size);
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes_of(sealed) + seal_nonce_size, nullptr, bytes_of(plain), plain.size(),
                                             bytes_of(context), context.size(), nullptr, nonce.data(),
                                             key.bytes().data());
  return to_base64(sealed);
}

std::optional<std::string> open_sealed(const base::SecretBytes& key, std::string_view context, std::string_view text,
                                       std::size_t longest) {
  const std::size_t most_text = (seal_nonce_size + longest + tag_size + 2) / 3 * 4;
  if (key.size() != seal_key_size || text.size() > most_text) {
    return std::nullopt;
  }
  const std::optional<std::string> sealed = from_base64(text);
  if (!sealed || sealed->size() < seal_nonce_size + tag_size || sealed->size() > seal_nonce_size + longest + tag_size) {
    return std::nullopt;
  }
  std::string plain(sealed->size() - seal_nonce_size - tag_size, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(plain), nullptr, nullptr, bytes_of(*sealed) + seal_nonce_size,
                                                 sealed->size() - seal_nonce_size, bytes_of(context), context.size(),
                                                 bytes_of(*sealed), key.bytes().data()) != 0) {
    return std::nullopt;
  }
  return plain;
}

}  // namespace ghoard::peer
