#include "store/row.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

namespace ghoard::store {

namespace {

constexpr std::size_t name_length_bytes = 2;
constexpr std::size_t value_length_bytes = 4;
constexpr std::size_t max_name = 256;
constexpr std::int64_t max_time = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z
constexpr std::int64_t max_lifetime = 10'000'000'000;   // some 300 years: "immutable" and more

/// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
  });
}

/// RFC 9110 section 5.5: visible bytes, spaces, tabs and obs-text; above all no CR, LF or NUL.
bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

void put_length(std::string& out, std::size_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  }
}

/// Takes a little-endian length off the front; nothing if the bytes end before.
std::optional<std::size_t> take_length(std::string_view& bytes, std::size_t width) {
  if (bytes.size() < width) {
    return std::nullopt;
  }
  std::size_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    value |= std::size_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  bytes.remove_prefix(width);
  return value;
}

std::optional<http::Header> take_field(std::string_view& bytes) {
  const std::optional<std::size_t> name_size = take_length(bytes, name_length_bytes);
  const std::optional<std::size_t> value_size = take_length(bytes, value_length_bytes);
  if (!name_size || !value_size || *name_size > max_name || *value_size > max_field_value ||
      *name_size + *value_size > bytes.size()) {
    return std::nullopt;
  }
  const std::string_view name = bytes.substr(0, *name_size);
  const std::string_view value = bytes.substr(*name_size, *value_size);
  if (!is_token(name) || !is_field_value(value)) {
    return std::nullopt;
  }
  bytes.remove_prefix(*name_size + *value_size);
  return http::Header{std::string(name), std::string(value)};
}

std::optional<base::Digest> digest_of(std::string_view bytes) {
  base::Digest digest;
  if (bytes.size() != digest.bytes.size()) {
    return std::nullopt;
  }
  std::memcpy(digest.bytes.data(), bytes.data(), bytes.size());
  return digest;
}

bool is_text(std::string_view text) {
  return text.size() <= max_text && is_field_value(text);
}

/// The positions of entry_columns.
namespace column {
enum : int {
  id,
  status,
  must_revalidate,
  fetched_at,
  lifetime,
  etag_class,
  flags,
  checksum,
  vary,
  last_modified,
  headers,
  resource_key,
  body_hash,
  body_size,
  body_checksum,
  body_bytes,
  fingerprint,
  proven_at,
  etag,
  unverified,
};
}  // namespace column

ResponseRow row_of(const Query& query) {
  ResponseRow row;
  row.status = query.integer(column::status);
  row.fetched_at = query.integer(column::fetched_at);
  row.lifetime = query.integer(column::lifetime);
  row.etag_class = query.integer(column::etag_class);
  row.flags = query.integer(column::flags);
  row.vary = query.bytes(column::vary);
  row.last_modified = query.bytes(column::last_modified);
  row.headers = query.bytes(column::headers);
  return row;
}

bool is_plausible(const ResponseRow& row) {
  return row.status >= 100 && row.status <= 599 && time_of(row.fetched_at) && row.lifetime >= 0 &&
         row.lifetime <= max_lifetime && row.etag_class >= 0 && row.etag_class <= 2 && row.flags >= 0 &&
         row.flags <= (flag_immutable | flag_shareable) && is_text(row.vary) && is_text(row.last_modified);
}

std::optional<cache::Response> response_of(const Query& query) {
  const ResponseRow row = row_of(query);
  if (!is_plausible(row) || query.integer(column::checksum) !=
                                row.checksum(query.bytes(column::resource_key), query.bytes(column::body_hash))) {
    return std::nullopt;
  }
  std::optional<http::Headers> fields = decode_headers(row.headers);
  if (!fields) {
    return std::nullopt;
  }
  cache::Response response;
  response.id = query.integer(column::id);
  response.status = static_cast<int>(row.status);
  response.headers = std::move(*fields);
  response.etag_class = static_cast<github::EtagClass>(row.etag_class);
  response.vary = row.vary;
  response.last_modified = row.last_modified;
  response.fetched_at = *time_of(row.fetched_at);
  response.lifetime = base::Seconds(row.lifetime);
  response.immutable = (row.flags & flag_immutable) != 0;
  response.shareable = (row.flags & flag_shareable) != 0;
  // Anything but the two values that are written is damage, and damage must not make it fresh.
  response.must_revalidate = !query.is_integer(column::must_revalidate) || query.integer(column::must_revalidate) != 0;
  return response;
}

std::optional<cache::Grant> grant_of(const Query& query) {
  const std::optional<base::Digest> holder = digest_of(query.bytes(column::fingerprint));
  const std::optional<base::WallTime> proven = time_of(query.integer(column::proven_at));
  const std::string_view validator = query.bytes(column::etag);
  if (!holder || !proven || !is_text(validator)) {
    return std::nullopt;
  }
  // Anything but the two values that are written is damage, and damage must not make it verified.
  const bool unverified = !query.is_integer(column::unverified) || query.integer(column::unverified) != 0;
  return cache::Grant{*holder, *proven, std::string(validator), unverified};
}

}  // namespace

base::Result<std::string> encode_headers(const http::Headers& headers) {
  if (headers.size() > max_header_fields) {
    return base::fail(base::ErrorCode::too_large, "cache: too many header fields");
  }
  std::string bytes;
  for (const http::Header& field : headers) {
    if (!is_token(field.name) || !is_field_value(field.value)) {
      return base::fail(base::ErrorCode::invalid_input, "cache: malformed header field");
    }
    const std::size_t size = name_length_bytes + value_length_bytes + field.name.size() + field.value.size();
    if (field.name.size() > max_name || field.value.size() > max_field_value ||
        bytes.size() + size > max_header_bytes) {
      return base::fail(base::ErrorCode::too_large, "cache: header fields are too large");
    }
    put_length(bytes, field.name.size(), name_length_bytes);
    put_length(bytes, field.value.size(), value_length_bytes);
    bytes += field.name;
    bytes += field.value;
  }
  return bytes;
}

std::optional<http::Headers> decode_headers(std::string_view bytes) {
  if (bytes.size() > max_header_bytes) {
    return std::nullopt;
  }
  http::Headers headers;
  while (!bytes.empty()) {
    std::optional<http::Header> field = take_field(bytes);
    if (!field || headers.size() == max_header_fields) {
      return std::nullopt;
    }
    headers.add(std::move(field->name), std::move(field->value));
  }
  return headers;
}

void Checksum::mix(std::uint64_t word) {
  // Both steps are bijections of the state for a given word, and of the word for a given state.
  m_state = (m_state ^ word) * 0x9e3779b97f4a7c15;
  m_state ^= m_state >> 32;
}

Checksum& Checksum::add(std::string_view bytes) {
  mix(bytes.size());
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    mix(word);
    bytes.remove_prefix(sizeof word);
  }
  std::uint64_t rest = 0;
  if (!bytes.empty()) {  // an empty view may have no address, which memcpy must not be given
    std::memcpy(&rest, bytes.data(), bytes.size());
  }
  mix(rest);
  return *this;
}

Checksum& Checksum::add(std::int64_t value) {
  mix(std::bit_cast<std::uint64_t>(value));
  return *this;
}

std::int64_t Checksum::value() const {
  return std::bit_cast<std::int64_t>(m_state);
}

std::int64_t ResponseRow::checksum(std::string_view resource, std::string_view body) const {
  return Checksum()
      .add(resource)
      .add(body)
      .add(status)
      .add(fetched_at)
      .add(lifetime)
      .add(etag_class)
      .add(flags)
      .add(vary)
      .add(last_modified)
      .add(headers)
      .value();
}

base::Result<ResponseRow> to_row(const cache::Response& response, std::string_view headers) {
  ResponseRow row;
  row.status = response.status;
  row.fetched_at = to_stored(response.fetched_at);
  row.lifetime = std::clamp<std::int64_t>(response.lifetime.count(), 0, max_lifetime);
  row.etag_class = static_cast<std::int64_t>(response.etag_class);
  row.flags = (response.immutable ? flag_immutable : 0) | (response.shareable ? flag_shareable : 0);
  row.vary = response.vary;
  row.last_modified = response.last_modified;
  row.headers = headers;
  if (!is_plausible(row)) {
    return base::fail(base::ErrorCode::invalid_input, "cache: the answer cannot be stored");
  }
  return row;
}

std::int64_t to_stored(base::WallTime time) {
  return time.time_since_epoch().count();
}

std::optional<base::WallTime> time_of(std::int64_t milliseconds) {
  if (milliseconds < 0 || milliseconds > max_time) {
    return std::nullopt;
  }
  return base::WallTime(base::Millis(milliseconds));
}

std::optional<cache::Entry> read_entry(const Query& query) {
  // The hash of the body is its name. That these are the bytes it names was checked when they were stored; the
  // checksum, ten times cheaper, says that they are still the same.
  const std::string_view body = query.bytes(column::body_bytes);
  if (query.bytes(column::body_hash).size() != sizeof(base::Digest) ||
      query.integer(column::body_size) != static_cast<std::int64_t>(body.size()) ||
      query.integer(column::body_checksum) != Checksum().add(body).value()) {
    return std::nullopt;
  }
  std::optional<cache::Response> response = response_of(query);
  std::optional<cache::Grant> grant = grant_of(query);
  if (!response || !grant) {
    return std::nullopt;
  }
  response->body = std::make_shared<const std::string>(body);
  return cache::Entry{std::move(*response), std::move(*grant)};
}

}  // namespace ghoard::store
