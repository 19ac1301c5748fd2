#pragma once

#include <cstddef>
#include <string_view>

#include "core/base/result.hpp"
#include "core/cache/upstream.hpp"

namespace ghoard::upstream {

/// Builds a response head from the lines libcurl hands over (RFC 9112 section 4 and 5; for HTTP/2 libcurl writes the
/// same form). Interim answers (1xx) are dropped. Hostile bytes end here: control characters in values become spaces,
/// fields whose name is no token vanish, and the total is capped.
class HeadParser {
 public:
  explicit HeadParser(std::size_t max_bytes) : m_max_bytes(max_bytes) {}

  enum class State { more, complete };
  /// One line with its line end. Not to be called after `complete`.
  base::Result<State> line(std::string_view text);
  /// The head, once complete, without the fields that concern only the connection (RFC 9110 section 7.6.1).
  cache::ResponseHead take();

 private:
  base::Result<void> status_line(std::string_view text);
  void field(std::string_view text);
  base::Result<State> blank_line();

  std::size_t m_max_bytes;
  std::size_t m_bytes = 0;
  bool m_has_status = false;
  bool m_can_fold = false;
  int m_status = 0;
  std::vector<http::Header> m_fields;
};

/// True for a token (RFC 9110 section 5.6.2): what a method or a field name must be.
[[nodiscard]] bool is_token(std::string_view text);

/// True for fields of the connection, never of the message: an intermediary does not pass them on.
[[nodiscard]] bool is_connection_field(std::string_view name);

}  // namespace ghoard::upstream
