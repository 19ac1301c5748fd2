#include "core/http/message.hpp"

#include <algorithm>

namespace ghoard::http {

namespace {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_ipv4_loopback(std::string_view host) {
  // 127.a.b.c with digits and dots only; a name such as 127.0.0.1.example is no address.
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos &&
         std::count(host.begin(), host.end(), '.') == 3;
}

}  // namespace

bool iequals(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

const std::string* Headers::find(std::string_view name) const {
  const auto found =
      std::find_if(m_fields.begin(), m_fields.end(), [&](const Header& field) { return iequals(field.name, name); });
  return found == m_fields.end() ? nullptr : &found->value;
}

std::string_view Headers::get(std::string_view name) const {
  const std::string* value = find(name);
  return value != nullptr ? std::string_view(*value) : std::string_view();
}

std::string Headers::joined(std::string_view name) const {
  std::string result;
  bool first = true;
  for (const Header& field : m_fields) {
    if (!iequals(field.name, name)) {
      continue;
    }
    result += first ? "" : ", ";
    result += field.value;
    first = false;
  }
  return result;
}

void Headers::add(std::string name, std::string value) {
  m_fields.push_back({std::move(name), std::move(value)});
}

void Headers::set(std::string_view name, std::string value) {
  remove(name);
  m_fields.push_back({std::string(name), std::move(value)});
}

void Headers::remove(std::string_view name) {
  std::erase_if(m_fields, [&](const Header& field) { return iequals(field.name, name); });
}

bool is_loopback_host(std::string_view host) {
  return iequals(host, "localhost") || host == "[::1]" || host == "::1" || is_ipv4_loopback(host);
}

}  // namespace ghoard::http
