#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ghoard::http {

struct Header {
  std::string name;
  std::string value;

  bool operator==(const Header&) const = default;
};

/// Header fields in the order received (RFC 9110 section 5). Names compare without regard to case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> fields) : m_fields(fields) {}

  /// The first value of `name`, or nullptr. Valid until the next change.
  [[nodiscard]] const std::string* find(std::string_view name) const;
  /// The first value of `name`, or an empty view.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  /// All values of `name` joined with ", " (RFC 9110 section 5.3); empty if there is none.
  [[nodiscard]] std::string joined(std::string_view name) const;
  [[nodiscard]] bool contains(std::string_view name) const { return find(name) != nullptr; }

  void add(std::string name, std::string value);
  /// Replaces every field of that name by one.
  void set(std::string_view name, std::string value);
  void remove(std::string_view name);

  [[nodiscard]] auto begin() const { return m_fields.begin(); }
  [[nodiscard]] auto end() const { return m_fields.end(); }
  [[nodiscard]] std::size_t size() const { return m_fields.size(); }
  [[nodiscard]] bool empty() const { return m_fields.empty(); }
  void reserve(std::size_t count) { m_fields.reserve(count); }

  bool operator==(const Headers&) const = default;

 private:
  std::vector<Header> m_fields;
};

/// Equality of ASCII letters without regard to case (field names, directives, hosts).
[[nodiscard]] bool iequals(std::string_view left, std::string_view right);
[[nodiscard]] std::string to_lower(std::string_view text);
/// Without optional white space, i.e. spaces and tabs (RFC 9110 section 5.6.3), at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);

/// Bytes of a whole body, shared by every answer made from them; never changed once shared.
using Body = std::shared_ptr<const std::string>;

/// Scheme, host and port of a server. `host` is lower case; an IPv6 literal keeps its brackets.
struct Origin {
  std::string scheme = "https";
  std::string host;
  std::uint16_t port = 443;

  bool operator==(const Origin&) const = default;
  [[nodiscard]] bool is_default_port() const {
    return (scheme == "https" && port == 443) || (scheme == "http" && port == 80);
  }
  /// "host" or "host:port": the Host header, and the host part of cache keys.
  [[nodiscard]] std::string authority() const { return is_default_port() ? host : host + ":" + std::to_string(port); }
  /// "scheme://authority".
  [[nodiscard]] std::string url() const { return scheme + "://" + authority(); }
};

/// True for localhost, 127.0.0.0/8 and [::1]: the only places where plain http is accepted.
[[nodiscard]] bool is_loopback_host(std::string_view host);

}  // namespace ghoard::http
