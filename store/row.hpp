#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/cache/entry.hpp"
#include "store/database.hpp"

namespace ghoard::store {

/// Caps on what is stored besides the body. An answer beyond them is not cached, and a row beyond them is damaged.
inline constexpr std::size_t max_header_fields = 256;
inline constexpr std::size_t max_header_bytes = 256 * 1024;
inline constexpr std::size_t max_field_value = 64 * 1024;
inline constexpr std::size_t max_text = 16 * 1024;  ///< path, query, ETag, Vary, Last-Modified: each

/// Header fields as stored: for each its name's length (2 bytes, little endian), its value's length (4 bytes), name,
/// value. Fails with too_large over a cap, with invalid_input for what no HTTP message may carry.
[[nodiscard]] base::Result<std::string> encode_headers(const http::Headers& headers);
/// What encode_headers wrote; nothing for any other bytes, above all none that could smuggle a second header line.
[[nodiscard]] std::optional<http::Headers> decode_headers(std::string_view bytes);

/// Notices accidental damage (flipped bits, swapped pages), which SQLite itself does not look for inside of rows. No
/// protection against intent: whoever can write the file can write this too. Every change of one 64-bit word of the
/// input changes the result.
class Checksum {
 public:
  Checksum& add(std::string_view bytes);
  Checksum& add(std::int64_t value);
  [[nodiscard]] std::int64_t value() const;

 private:
  void mix(std::uint64_t word);
  std::uint64_t m_state = 0x243f6a8885a308d3;
};

/// The columns of a response that put and renew write together, and which its checksum covers.
struct ResponseRow {
  std::int64_t status = 0;
  std::int64_t fetched_at = 0;  ///< milliseconds since the epoch
  std::int64_t lifetime = 0;    ///< seconds
  std::int64_t etag_class = 0;
  std::int64_t flags = 0;  ///< flag_immutable, flag_shareable
  std::string_view vary;
  std::string_view last_modified;
  std::string_view headers;

  /// Bound to the resource and the body, so that a damaged reference to another row is noticed.
  [[nodiscard]] std::int64_t checksum(std::string_view resource_key, std::string_view body_hash) const;
};
inline constexpr std::int64_t flag_immutable = 1;
inline constexpr std::int64_t flag_shareable = 2;

/// The row for `response`, whose headers are in `headers`; views into both. Fails as encode_headers does.
[[nodiscard]] base::Result<ResponseRow> to_row(const cache::Response& response, std::string_view headers);

[[nodiscard]] std::int64_t to_stored(base::WallTime time);
/// Nothing unless it is a time of the years 1970 to 9999, so that no arithmetic on it overflows.
[[nodiscard]] std::optional<base::WallTime> time_of(std::int64_t milliseconds);

/// The select list that read_entry reads: tables s(resource), g(grants), h(holder), r(response), b(body).
inline constexpr std::string_view entry_columns =
    "r.id, r.status, r.must_revalidate, r.fetched_at, r.lifetime, r.etag_class, r.flags, r.checksum, r.vary, "
    "r.last_modified, r.headers, s.key, b.hash, b.size, b.checksum, b.bytes, h.fingerprint, g.proven_at, g.etag, "
    "g.unverified ";

/// One entry, or nothing if the row contradicts itself.
[[nodiscard]] std::optional<cache::Entry> read_entry(const Query& query);

}  // namespace ghoard::store
