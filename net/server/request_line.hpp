#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ghoard::server {

/// Finds the end of a request's head, piece by piece, and refuses what could be read in two ways: line ends other than
/// CRLF (RFC 9112 section 2.2), folded fields and white space before the first field (section 5.2). Pure.
class HeadScanner {
 public:
  enum class State { partial, complete, malformed };

  /// `bytes`: the head from its first byte on, as far as it has arrived; what was there before must not have changed.
  State scan(std::string_view bytes);
  /// Length of the head with its closing empty line, once complete.
  [[nodiscard]] std::size_t size() const { return m_line; }

 private:
  std::size_t m_line = 0;  // where the current line begins
  std::size_t m_seen = 0;  // bytes already searched for a line end
};

/// Clients such as gh put a raw space, or raw UTF-8, into the query; the parser takes neither. Percent-encodes spaces,
/// controls and bytes from 0x7f on in the target of a request line (given without its CRLF), taking the last
/// " HTTP/1.x" for its end. Nothing: there is nothing to encode, or the line is malformed (no request line at all, a
/// bare CR, a NUL), which the parser then says.
[[nodiscard]] std::optional<std::string> encode_request_line(std::string_view line);

}  // namespace ghoard::server
