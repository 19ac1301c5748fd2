#include "net/server/reply_head.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace ghoard::server {

namespace {

struct StatusText {
  int status;
  std::string_view reason;
};

// RFC 9110 section 15 and RFC 6585; kept in order of status.
constexpr std::array<StatusText, 44> reasons{{
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Entity"},
    {423, "Locked"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
}};

std::string_view reason_of(int status) {
  const auto* found = std::lower_bound(reasons.begin(), reasons.end(), status,
                                       [](const StatusText& row, int wanted) { return row.status < wanted; });
  return found != reasons.end() && found->status == status ? found->reason : std::string_view();
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end.ptr);
}

constexpr bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr std::array<bool, 256> token_table() {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) {
    table[static_cast<std::size_t>(c)] = is_token_char(static_cast<char>(c));
  }
  return table;
}

bool is_token(std::string_view name) {
  static constexpr std::array<bool, 256> table = token_table();
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return table[static_cast<unsigned char>(c)]; });
}

bool belongs_to_connection(std::string_view name) {
  switch (name.size()) {
    case 7: return http::iequals(name, "trailer") || http::iequals(name, "upgrade");
    case 10: return http::iequals(name, "connection") || http::iequals(name, "keep-alive");
    case 12: return http::iequals(name, "ghoard-agent");
    case 14: return http::iequals(name, "content-length");
    case 16: return http::iequals(name, "proxy-connection");
    case 17: return http::iequals(name, "transfer-encoding");
    default: return false;
  }
}

void append_value(std::string& out, std::string_view value) {
  const std::size_t begin = out.size();
  out.append(value);
  for (std::size_t i = begin; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
      out[i] = ' ';
    }
  }
}

void append_framing(std::string& out, const Framing& framing) {
  switch (framing.kind) {
    case Framing::Kind::none:
    case Framing::Kind::until_close: return;
    case Framing::Kind::length:
      out += "Content-Length: ";
      append_number(out, framing.length);
      out += "\r\n";
      return;
    case Framing::Kind::chunked: out += "Transfer-Encoding: chunked\r\n"; return;
  }
}

}  // namespace

bool is_bodiless(int status) {
  return status == 204 || status == 304 || (status >= 100 && status < 200);
}

std::optional<std::uint64_t> named_length(const http::Headers& headers) {
  const std::string* text = headers.find("Content-Length");
  if (text == nullptr || text->empty()) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const auto end = std::from_chars(text->data(), text->data() + text->size(), number);
  if (end.ec != std::errc() || end.ptr != text->data() + text->size()) {
    return std::nullopt;
  }
  return number;
}

void append_head(std::string& out, int status, const http::Headers& headers, const Framing& framing,
                 ConnectionField connection, std::string_view common, std::string_view date_line) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(std::clamp(status, 100, 999)));
  out += ' ';
  out.append(reason_of(status)).append("\r\n").append(common);
  bool dated = false;
  for (const http::Header& field : headers) {
    if (!is_token(field.name) || belongs_to_connection(field.name)) {
      continue;
    }
    dated = dated || http::iequals(field.name, "date");
    out.append(field.name).append(": ");
    append_value(out, field.value);
    out += "\r\n";
  }
  if (!dated) {
    out += date_line;
  }
  append_framing(out, framing);
  switch (connection) {
    case ConnectionField::none: break;
    case ConnectionField::close: out += "Connection: close\r\n"; break;
    case ConnectionField::keep_alive: out += "Connection: keep-alive\r\n"; break;
  }
  out += "\r\n";
}

std::string failure_json(std::string_view code, std::string_view message) {
  std::string text = "{\"message\":\"";
  text.append(message).append("\",\"ghoard_error\":\"").append(code).append("\"}\n");
  return text;
}

}  // namespace ghoard::server
