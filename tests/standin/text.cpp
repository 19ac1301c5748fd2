#include "tests/standin/text.hpp"

#include <array>
#include <charconv>
#include <ctime>

#include "core/base/digest.hpp"

namespace ghoard::standin {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<std::int64_t> parse_time(std::string_view text, const char* format) {
  std::tm parts{};
  const std::string copy(text);
  const char* end = strptime(copy.c_str(), format, &parts);
  if (end == nullptr || *end != '\0') {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(timegm(&parts));
}

std::string format_time(std::int64_t unix_seconds, const char* format) {
  const std::time_t time = unix_seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 64> buffer{};
  return {buffer.data(), std::strftime(buffer.data(), buffer.size(), format, &parts)};
}

}  // namespace

std::string decode_percent(std::string_view text, bool plus_is_space) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      result += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      result += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

std::string encode_component(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += '%';
      result += digits[byte >> 4U];
      result += digits[byte & 15U];
    }
  }
  return result;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (;;) {
    const std::size_t end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end - start));
    if (end == std::string_view::npos) {
      return parts;
    }
    start = end + 1;
  }
}

Params parse_query(std::string_view query) {
  Params params;
  if (query.empty()) {
    return params;
  }
  for (const std::string& part : split(query, '&')) {
    const std::size_t equals = part.find('=');
    params.emplace_back(decode_percent(part.substr(0, equals), true),
                        equals == std::string::npos ? "" : decode_percent(part.substr(equals + 1), true));
  }
  return params;
}

std::string base64_encode(std::string_view bytes) {
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const auto byte = [&](std::size_t k) -> unsigned {
      return k < left ? static_cast<unsigned char>(bytes[i + k]) : 0U;
    };
    const unsigned group = (byte(0) << 16U) | (byte(1) << 8U) | byte(2);
    result += base64_digits[(group >> 18U) & 63U];
    result += base64_digits[(group >> 12U) & 63U];
    result += left > 1 ? base64_digits[(group >> 6U) & 63U] : '=';
    result += left > 2 ? base64_digits[group & 63U] : '=';
  }
  return result;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string result;
  unsigned group = 0;
  unsigned bits = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '=') {
      continue;
    }
    const std::size_t digit = base64_digits.find(c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    group = (group << 6U) | static_cast<unsigned>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      result += static_cast<char>((group >> bits) & 255U);
    }
  }
  return result;
}

std::string object_name(std::string_view kind, std::string_view content) {
  base::Sha256 hash;
  hash.update(kind).update(std::string_view("\0", 1)).update(content);
  return hash.finish().hex().substr(0, 40);
}

std::string iso_time(std::int64_t unix_seconds) {
  return format_time(unix_seconds, "%Y-%m-%dT%H:%M:%SZ");
}

std::optional<std::int64_t> parse_iso_time(std::string_view text) {
  return parse_time(text, "%Y-%m-%dT%H:%M:%SZ");
}

std::string http_date(std::int64_t unix_seconds) {
  return format_time(unix_seconds, "%a, %d %b %Y %H:%M:%S GMT");
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  return parse_time(text, "%a, %d %b %Y %H:%M:%S GMT");
}

std::optional<long> parse_number(std::string_view text) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return std::nullopt;
  }
  return value;
}

bool list_has(std::string_view list, std::string_view item) {
  for (const std::string& part : split(list, ',')) {
    if (http::iequals(http::trim(part), item)) {
      return true;
    }
  }
  return false;
}

}  // namespace ghoard::standin
