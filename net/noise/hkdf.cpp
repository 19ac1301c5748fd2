#include "net/noise/hkdf.hpp"

#include <algorithm>
#include <sodium.h>

namespace ghoard::noise {

namespace {

/// HMAC under a key that is used more than once: the two blocks of the key are hashed only once.
class KeyedHmac {
 public:
  explicit KeyedHmac(ByteView key) { crypto_auth_hmacsha256_init(&m_state, key.data(), key.size()); }
  ~KeyedHmac() { sodium_memzero(&m_state, sizeof m_state); }
  KeyedHmac(const KeyedHmac&) = delete;
  KeyedHmac& operator=(const KeyedHmac&) = delete;

  void compute(ByteView input, std::uint8_t* out) const {
    crypto_auth_hmacsha256_state state = m_state;
    crypto_auth_hmacsha256_update(&state, input.data(), input.size());
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
  }

 private:
  crypto_auth_hmacsha256_state m_state;
};

}  // namespace

void hkdf(Secret::ConstBytes chaining_key, ByteView input, Secret::Bytes first, Secret::Bytes second,
          std::uint8_t* third) {
  Wiped<hash_bytes> temporary;
  KeyedHmac(chaining_key).compute(input, temporary.bytes.data());
  const KeyedHmac keyed(temporary.bytes);

  // output_i = HMAC(temp_key, output_(i-1) || byte(i))
  Wiped<hash_bytes + 1> block;
  block.bytes[0] = 1;
  keyed.compute(ByteView(block.bytes).first(1), first.data());
  std::copy(first.begin(), first.end(), block.bytes.begin());
  block.bytes[hash_bytes] = 2;
  keyed.compute(block.bytes, second.data());
  if (third != nullptr) {
    std::copy(second.begin(), second.end(), block.bytes.begin());
    block.bytes[hash_bytes] = 3;
    keyed.compute(block.bytes, third);
  }
}

}  // namespace ghoard::noise
