#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/http/message.hpp"

namespace ghoard::server {

/// How an answer's body is delimited (RFC 9112 section 6.3).
struct Framing {
  enum class Kind {
    none,         ///< 204 and 304: no body and no length
    length,       ///< Content-Length
    chunked,      ///< Transfer-Encoding: chunked
    until_close,  ///< HTTP/1.0 without a length
  } kind = Kind::none;
  std::uint64_t length = 0;
};

/// True for answers that never have a body (RFC 9110 sections 15.3.5 and 15.4.5).
[[nodiscard]] bool is_bodiless(int status);

/// The number in a Content-Length that a handler put into its headers; nothing if there is none or it is no number.
[[nodiscard]] std::optional<std::uint64_t> named_length(const http::Headers& headers);

enum class ConnectionField { none, close, keep_alive };

/// Appends a status line and all header fields with the closing empty line. `common` holds whole lines that every
/// answer carries; `date_line` is left out when the headers name a Date. Fields that belong to the connection are
/// dropped, fields whose name is no token too, and control characters in values become spaces: nothing that came from
/// outside can end a line here.
void append_head(std::string& out, int status, const http::Headers& headers, const Framing& framing,
                 ConnectionField connection, std::string_view common, std::string_view date_line);

/// One line of JSON as ghoard's own failures have it (ARCHITECTURE.md, "The local protocol").
[[nodiscard]] std::string failure_json(std::string_view code, std::string_view message);

}  // namespace ghoard::server
