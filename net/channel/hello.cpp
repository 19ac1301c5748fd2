#include "net/channel/hello.hpp"

#include <algorithm>
#include <sodium.h>

#include "core/base/digest.hpp"

namespace ghoard::channel {

namespace {

constexpr std::uint8_t tlv_end = 0;
constexpr std::uint8_t tlv_minors = 1;
constexpr std::uint8_t tlv_software = 2;
constexpr std::size_t tlv_head_bytes = 3;
constexpr std::size_t range_bytes = 4;

template <class T>
void put(std::uint8_t* out, T value) {
  for (std::size_t i = sizeof(T); i-- > 0;) {
    *out++ = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

template <class T>
T get(const std::uint8_t* in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(static_cast<T>(value << 8) | in[i]);
  }
  return value;
}

void put_range(std::uint8_t* out, VersionRange range) {
  put<std::uint16_t>(out, range.lowest);
  put<std::uint16_t>(out + 2, range.highest);
}

VersionRange get_range(const std::uint8_t* in) {
  return {get<std::uint16_t>(in), get<std::uint16_t>(in + 2)};
}

std::string printable(ByteView value) {
  std::string text(noise::text_of(value));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

/// Reads one TLV into the introduction. False: twice, or a wrong size.
bool take_tlv(std::uint8_t type, ByteView value, Introduction& into, std::uint8_t& seen) {
  if (type != tlv_minors && type != tlv_software) {
    return true;
  }
  if ((seen & type) != 0) {
    return false;
  }
  seen = static_cast<std::uint8_t>(seen | type);
  if (type == tlv_software) {
    into.software = value.size() > Introduction::max_software_bytes ? std::string() : printable(value);
    return value.size() <= Introduction::max_software_bytes;
  }
  if (value.size() != range_bytes) {
    return false;
  }
  into.minors = get_range(value.data());
  return into.minors.is_valid();
}

}  // namespace

std::optional<std::uint16_t> VersionRange::highest_common(VersionRange other) const {
  const std::uint16_t top = std::min(highest, other.highest);
  if (top < lowest || top < other.lowest) {
    return std::nullopt;
  }
  return top;
}

std::array<std::uint8_t, hello_bytes> Hello::encode() const {
  std::array<std::uint8_t, hello_bytes> payload{};
  put<std::uint64_t>(payload.data(), static_cast<std::uint64_t>(time.time_since_epoch().count()));
  put_range(payload.data() + 8, minors);
  std::copy(hint.begin(), hint.end(), payload.begin() + 12);
  return payload;
}

std::optional<Hello> Hello::decode(std::span<const std::uint8_t, hello_bytes> payload) {
  Hello hello;
  // Any 64 bits are a time; what is out of range is only far away.
  hello.time = base::WallTime{base::Millis{static_cast<std::int64_t>(get<std::uint64_t>(payload.data()))}};
  hello.minors = get_range(payload.data() + 8);
  std::copy_n(payload.begin() + 12, hello.hint.size(), hello.hint.begin());
  return hello.minors.is_valid() ? std::optional<Hello>(hello) : std::nullopt;
}

TargetHint hint_of(const std::optional<IdentityKey>& wanted) {
  TargetHint hint{};
  if (wanted) {
    const base::Digest digest = base::sha256(noise::text_of(*wanted));
    std::copy_n(digest.bytes.begin(), hint.size(), hint.begin());
  }
  return hint;
}

void Introduction::encode(ByteSpan payload) const {
  std::fill(payload.begin(), payload.end(), std::uint8_t{0});
  std::uint8_t* out = std::copy(identity.begin(), identity.end(), payload.data());
  out = std::copy(signature.begin(), signature.end(), out);
  *out = tlv_minors;
  put<std::uint16_t>(out + 1, range_bytes);
  put_range(out + tlv_head_bytes, minors);
  out += tlv_head_bytes + range_bytes;
  const std::size_t size = std::min(software.size(), max_software_bytes);
  *out = tlv_software;
  put<std::uint16_t>(out + 1, static_cast<std::uint16_t>(size));
  std::copy_n(software.begin(), size, out + tlv_head_bytes);
}

std::optional<Introduction> Introduction::decode(ByteView payload) {
  Introduction read;
  if (payload.size() < read.identity.size() + read.signature.size()) {
    return std::nullopt;
  }
  std::copy_n(payload.begin(), read.identity.size(), read.identity.begin());
  payload = payload.subspan(read.identity.size());
  std::copy_n(payload.begin(), read.signature.size(), read.signature.begin());
  payload = payload.subspan(read.signature.size());

  std::uint8_t seen = 0;
  while (!payload.empty() && payload[0] != tlv_end) {
    if (payload.size() < tlv_head_bytes) {
      return std::nullopt;
    }
    const std::uint8_t type = payload[0];
    const std::size_t size = get<std::uint16_t>(payload.data() + 1);
    payload = payload.subspan(tlv_head_bytes);
    if (size > payload.size() || !take_tlv(type, payload.first(size), read, seen)) {
      return std::nullopt;
    }
    payload = payload.subspan(size);
  }
  return (seen & tlv_minors) != 0 ? std::optional<Introduction>(std::move(read)) : std::nullopt;
}

SignedBytes signed_bytes(noise::Role sender, const noise::Hash& hash, const noise::PublicKey& sender_static) {
  constexpr std::string_view label = "ghoard-id/1";
  SignedBytes bytes{};
  std::uint8_t* out = std::copy(label.begin(), label.end(), bytes.data());
  *out++ = sender == noise::Role::initiator ? 'I' : 'R';
  out = std::copy(hash.begin(), hash.end(), out);
  std::copy(sender_static.begin(), sender_static.end(), out);
  return bytes;
}

bool is_signed_by(const IdentityKey& key, ByteView message, const Signature& signature) {
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(), key.data()) == 0;
}

}  // namespace ghoard::channel
