#include "core/peer/network_key.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <sodium.h>
#include <utility>

#include "core/peer/base32.hpp"

namespace ghoard::peer {

namespace {

constexpr std::string_view key_prefix = "ghnk1_";
constexpr std::size_t checksum_size = 4;
// 36 bytes in base32.
constexpr std::size_t key_digits = 58;
constexpr const char* advice = "; `ghoard network new-key` makes one";

using Hash = std::array<std::uint8_t, crypto_hash_sha256_BYTES>;

tl::unexpected<base::Error> refuse(std::string message) {
  return base::fail(base::ErrorCode::invalid_input, std::move(message));
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// HMAC-SHA256 of the parts, one after the other, into `out`, which has 32 bytes.
void hmac(std::span<const std::uint8_t> key, std::initializer_list<std::string_view> parts,
          std::span<std::uint8_t> out) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key.data(), key.size());
  for (const std::string_view part : parts) {
    crypto_auth_hmacsha256_update(&state, bytes_of(part).data(), part.size());
  }
  crypto_auth_hmacsha256_final(&state, out.data());
  sodium_memzero(&state, sizeof state);
}

constexpr std::string_view zero_byte{"\0", 1};
constexpr std::string_view one_byte{"\1", 1};

std::string_view tag_of(KeySource source) {
  switch (source) {
    case KeySource::network_key: return "network-key";
    case KeySource::github_token: return "github-token";
  }
  return {};
}

base::Result<void> check_secret(KeySource source, std::string_view secret) {
  switch (source) {
    case KeySource::network_key:
      return secret.size() == network_secret_size ? base::Result<void>()
                                                  : refuse("a network key's secret has 32 bytes" + std::string(advice));
    case KeySource::github_token: {
      const char* reason = why_not_stable(token_kind(secret));
      return reason == nullptr ? base::Result<void>() : refuse(reason);
    }
  }
  return {};
}

base::Result<void> check_network_name(std::string_view name) {
  if (name.empty() || name.size() > longest_network_name ||
      std::any_of(name.begin(), name.end(), [](char c) { return c < ' ' || c > '~'; })) {
    return refuse("a network's name has 1 to 64 printable ASCII characters");
  }
  return {};
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

}  // namespace

std::string NetworkKey::id() const {
  if (registry_key.empty()) {
    return {};
  }
  Hash mac{};
  hmac(registry_key.bytes(), {"ghoard/key-id/v1"}, mac);
  std::array<char, 9> text{};
  sodium_bin2hex(text.data(), text.size(), mac.data(), 4);
  return text.data();
}

base::Result<NetworkKey> derive_network_key(KeySource source, std::string_view secret, std::string_view network_name) {
  if (const base::Result<void> good = check_secret(source, secret); !good) {
    return tl::unexpected(good.error());
  }
  if (const base::Result<void> good = check_network_name(network_name); !good) {
    return tl::unexpected(good.error());
  }
  base::Result<SecretBytes> prk = SecretBytes::create(sizeof(Hash));
  base::Result<SecretBytes> noise_psk = SecretBytes::create(sizeof(Hash));
  base::Result<SecretBytes> registry_key = SecretBytes::create(sizeof(Hash));
  for (const base::Result<SecretBytes>* made : {&prk, &noise_psk, &registry_key}) {
    if (!*made) {
      return tl::unexpected(made->error());
    }
  }
  hmac(bytes_of("ghoard/psk/v1"), {tag_of(source), zero_byte, secret}, prk->writable());
  hmac(prk->bytes(), {"noise-psk", zero_byte, network_name, one_byte}, noise_psk->writable());
  hmac(prk->bytes(), {"registry", zero_byte, network_name, one_byte}, registry_key->writable());
  return NetworkKey{source, std::move(*noise_psk), std::move(*registry_key)};
}

base::Result<SecretBytes> check_network_key(std::string_view text) {
  if (!text.starts_with(key_prefix)) {
    return refuse("not a network key (they begin with ghnk1_)" + std::string(advice));
  }
  const std::string_view digits = text.substr(key_prefix.size());
  if (digits.size() != key_digits) {
    return refuse("not a network key (they have 64 characters)" + std::string(advice));
  }
  std::optional<std::vector<std::uint8_t>> bytes = decode_base32(digits, LetterCase::either);
  if (!bytes || bytes->size() != network_secret_size + checksum_size) {
    return refuse("not a network key (a character of another alphabet)" + std::string(advice));
  }
  Hash hash{};
  crypto_hash_sha256(hash.data(), bytes->data(), network_secret_size);
  const bool matches = sodium_memcmp(hash.data(), bytes->data() + network_secret_size, checksum_size) == 0;
  base::Result<SecretBytes> secret =
      matches ? SecretBytes::copy(std::span<const std::uint8_t>(bytes->data(), network_secret_size))
              : refuse("a mistyped network key (its checksum differs)" + std::string(advice));
  sodium_memzero(hash.data(), hash.size());
  sodium_memzero(bytes->data(), bytes->size());
  return secret;
}

base::Result<std::vector<SecretBytes>> parse_network_keys(std::string_view text) {
  std::vector<SecretBytes> keys;
  std::string_view rest = trim(text);
  for (bool more = !rest.empty(); more;) {
    const std::size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    if (keys.size() == most_network_keys) {
      return refuse("more than four network keys");
    }
    const std::string number = "network key " + std::to_string(keys.size() + 1);
    base::Result<SecretBytes> key = check_network_key(trim(rest.substr(0, comma)));
    if (!key) {
      return tl::unexpected(key.error().with_context(number));
    }
    for (const SecretBytes& other : keys) {
      if (other.equals(key->bytes())) {
        return refuse(number + ": given twice");
      }
    }
    keys.push_back(std::move(*key));
    rest = more ? rest.substr(comma + 1) : std::string_view();
  }
  return keys;
}

std::string make_network_key(std::span<const std::uint8_t, network_secret_size> random) {
  std::array<std::uint8_t, network_secret_size + sizeof(Hash)> bytes{};
  std::copy(random.begin(), random.end(), bytes.begin());
  crypto_hash_sha256(bytes.data() + network_secret_size, random.data(), random.size());
  std::string digits = encode_base32(std::span(bytes).first(network_secret_size + checksum_size));
  std::string text;
  text.reserve(key_prefix.size() + key_digits);
  text += key_prefix;
  text += digits;
  sodium_memzero(bytes.data(), bytes.size());
  sodium_memzero(digits.data(), digits.size());
  return text;
}

}  // namespace ghoard::peer
