#include "net/server/request_line.hpp"

#include <algorithm>

namespace ghoard::server {

namespace {

constexpr bool must_encode(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte >= 0x7f;
}

constexpr std::size_t version_size = std::string_view(" HTTP/1.1").size();

bool ends_with_version(std::string_view line) {
  return line.size() > version_size && line.substr(line.size() - version_size).starts_with(" HTTP/1.") &&
         line.back() >= '0' && line.back() <= '9';
}

}  // namespace

HeadScanner::State HeadScanner::scan(std::string_view bytes) {
  for (;;) {
    const std::size_t feed = bytes.find('\n', m_seen);
    if (feed == std::string_view::npos) {
      m_seen = bytes.size();
      return State::partial;
    }
    if (feed == m_line || bytes[feed - 1] != '\r') {
      return State::malformed;
    }
    const std::size_t begin = m_line;
    m_line = m_seen = feed + 1;
    if (feed == begin + 1) {
      return State::complete;
    }
    if (bytes[begin] == ' ' || bytes[begin] == '\t') {
      return State::malformed;
    }
  }
}

std::optional<std::string> encode_request_line(std::string_view line) {
  const std::size_t method_end = line.find(' ');
  if (!ends_with_version(line) || method_end >= line.size() - version_size) {
    return std::nullopt;
  }
  const std::size_t begin = method_end + 1;
  const std::string_view target = line.substr(begin, line.size() - version_size - begin);
  if (std::none_of(target.begin(), target.end(), must_encode) ||
      target.find_first_of(std::string_view("\r\0", 2)) != std::string_view::npos) {
    return std::nullopt;
  }
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded(line.substr(0, begin));
  for (const char c : target) {
    if (!must_encode(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += digits[byte >> 4];
    encoded += digits[byte & 15];
  }
  return encoded.append(line.substr(line.size() - version_size));
}

}  // namespace ghoard::server
