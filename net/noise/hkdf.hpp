#pragma once

#include "net/noise/secret.hpp"

namespace ghoard::noise {

/// HKDF of Noise (rev 34, section 4.3) over HMAC-SHA256 (RFC 2104, RFC 5869), which libsodium 1.0.18 does not offer.
/// `chaining_key` and the outputs may be the same memory. `third` may be null.
void hkdf(Secret::ConstBytes chaining_key, ByteView input, Secret::Bytes first, Secret::Bytes second,
          std::uint8_t* third = nullptr);

}  // namespace ghoard::noise
