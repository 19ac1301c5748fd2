#include "core/peer/multiaddr.hpp"

#include <algorithm>
#include <utility>

#include "core/peer/ip_address.hpp"

namespace ghoard::peer {

namespace {

constexpr std::size_t longest_name = 253;   // RFC 1035 section 2.3.4, without the final dot
constexpr std::size_t longest_label = 63;   // the same
constexpr std::size_t longest_zone = 15;    // IFNAMSIZ - 1
constexpr std::size_t longest_quoted = 32;  // of an address, in a reason

tl::unexpected<base::Error> refuse(std::string reason) {
  return base::fail(base::ErrorCode::invalid_input, std::move(reason));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

const char* name_of(Multiaddr::Kind kind) {
  switch (kind) {
    case Multiaddr::Kind::ip4: return "ip4";
    case Multiaddr::Kind::ip6: return "ip6";
    case Multiaddr::Kind::dns: return "dns";
    case Multiaddr::Kind::dns4: return "dns4";
    case Multiaddr::Kind::dns6: return "dns6";
  }
  return "";
}

std::optional<Multiaddr::Kind> kind_of(std::string_view name) {
  using Kind = Multiaddr::Kind;
  for (const Kind kind : {Kind::ip4, Kind::ip6, Kind::dns, Kind::dns4, Kind::dns6}) {
    if (name == name_of(kind)) {
      return kind;
    }
  }
  return std::nullopt;
}

/// The components of an address that begins with '/', one after the other.
class Components {
 public:
  explicit Components(std::string_view text) : m_rest(text) {}

  [[nodiscard]] bool over() const { return m_rest.empty(); }
  std::optional<std::string_view> next() {
    if (over()) {
      return std::nullopt;
    }
    m_rest.remove_prefix(1);
    const std::string_view component = m_rest.substr(0, m_rest.find('/'));
    m_rest.remove_prefix(component.size());
    return component;
  }

 private:
  std::string_view m_rest;
};

/// What is wrong with the text before any component is looked at; nullptr for nothing.
const char* why_malformed(std::string_view text) {
  if (text.empty()) {
    return "empty";
  }
  if (text.size() > longest_multiaddr) {
    return "too long";
  }
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~'; })) {
    return "whitespace, control or non-ASCII character";
  }
  if (text.front() != '/') {
    return "does not begin with /";
  }
  if (text.find("//") != std::string_view::npos) {
    return "empty component";
  }
  return nullptr;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= longest_label && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

/// inet_aton, and with it getaddrinfo, reads such names as addresses: "2130706433", "127.1", "0x7f.1".
bool is_number(std::string_view label) {
  if (label.starts_with("0x") || label.starts_with("0X")) {
    return true;
  }
  return std::all_of(label.begin(), label.end(), is_digit);
}

base::Result<void> read_name(std::string_view text, Multiaddr& address) {
  if (text.ends_with('.')) {
    text.remove_suffix(1);
  }
  if (text.size() > longest_name) {
    return refuse("host name: too long");
  }
  for (std::string_view rest = text;;) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    if (!is_label(label)) {
      return refuse("host name: labels are 1 to 63 letters, digits and inner hyphens");
    }
    if (label.size() == rest.size()) {
      if (is_number(label)) {
        return refuse("host name: ends in a number; use /ip4/");
      }
      break;
    }
    rest.remove_prefix(label.size() + 1);
  }
  address.host = to_lower(text);
  return {};
}

base::Result<void> read_ip4(const Ip4& ip, Multiaddr& address) {
  if (const char* reason = why_no_destination(ip)) {
    return refuse(reason);
  }
  address.kind = Multiaddr::Kind::ip4;
  address.host = format_ip4(ip);
  return {};
}

base::Result<void> read_ip6(std::string_view text, Multiaddr& address) {
  const std::optional<Ip6> ip = parse_ip6(text);
  if (!ip) {
    return refuse("ip6 syntax");
  }
  if (is_link_local(*ip) && address.zone.empty()) {
    return refuse("link-local address without a zone; use /ip6zone/INTERFACE/ip6/");
  }
  if (!is_link_local(*ip) && !address.zone.empty()) {
    return refuse("zone on a non-link-local address");
  }
  if (const std::optional<Ip4> mapped = mapped_ip4(*ip)) {
    return read_ip4(*mapped, address);
  }
  if (const char* reason = why_no_destination(*ip)) {
    return refuse(reason);
  }
  address.host = format_ip6(*ip);
  return {};
}

base::Result<void> read_zone(std::string_view text, Multiaddr& address) {
  const auto plain = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.' || c == '@'; };
  if (text.size() > longest_zone || !std::all_of(text.begin(), text.end(), plain)) {
    return refuse("zone: no name of an interface");
  }
  address.zone = text;
  return {};
}

base::Result<void> read_host(Components& components, Multiaddr& address) {
  std::optional<std::string_view> name = components.next();
  if (name == "ip6zone") {
    const std::optional<std::string_view> zone = components.next();
    if (const base::Result<void> read = zone ? read_zone(*zone, address) : refuse("truncated"); !read) {
      return read;
    }
    name = components.next();
    if (name && *name != "ip6") {
      return refuse("a zone is followed by /ip6/");
    }
  }
  if (!name) {
    return refuse("truncated");
  }
  const std::optional<Multiaddr::Kind> kind = kind_of(*name);
  if (!kind) {
    return refuse("unsupported first component " + std::string(name->substr(0, longest_quoted)));
  }
  const std::optional<std::string_view> host = components.next();
  if (!host) {
    return refuse("truncated");
  }
  address.kind = *kind;
  switch (*kind) {
    case Multiaddr::Kind::ip4: {
      const std::optional<Ip4> ip = parse_ip4(*host);
      return ip ? read_ip4(*ip, address) : refuse("ip4 syntax");
    }
    case Multiaddr::Kind::ip6: return read_ip6(*host, address);
    case Multiaddr::Kind::dns:
    case Multiaddr::Kind::dns4:
    case Multiaddr::Kind::dns6: return read_name(*host, address);
  }
  return {};
}

base::Result<void> read_port(Components& components, Multiaddr& address) {
  const std::optional<std::string_view> transport = components.next();
  if (transport && *transport != "tcp") {
    return refuse("transport must be tcp");
  }
  const std::optional<std::string_view> text = components.next();
  if (!text) {
    return refuse("truncated");
  }
  const std::string_view digits = text->substr(std::min(text->find_first_not_of('0'), text->size()));
  unsigned port = 0;
  if (digits.size() <= 5 && std::all_of(digits.begin(), digits.end(), is_digit)) {
    for (const char c : digits) {
      port = port * 10 + static_cast<unsigned>(c - '0');
    }
  }
  if (port < 1 || port > 65535) {
    return refuse("port: a number from 1 to 65535");
  }
  address.port = static_cast<std::uint16_t>(port);
  return {};
}

base::Result<void> read_peer(Components& components, PeerPart part, Multiaddr& address) {
  const std::optional<std::string_view> name = components.next();
  if (!name) {
    return part == PeerPart::optional ? base::Result<void>() : refuse("without /p2p/ and the peer's id");
  }
  if (*name != "p2p" && *name != "ipfs") {
    return refuse("unexpected component after the port: " + std::string(name->substr(0, longest_quoted)));
  }
  const std::optional<std::string_view> text = components.next();
  if (!text) {
    return refuse("truncated");
  }
  const base::Result<PeerId> id = parse_peer_id(*text);
  if (!id) {
    return tl::unexpected(id.error());
  }
  if (!components.over()) {
    return refuse("unexpected component after the peer id");
  }
  address.peer = *id;
  return {};
}

}  // namespace

std::string Multiaddr::text() const {
  std::string result = zone.empty() ? "/" : "/ip6zone/" + zone + "/";
  result += name_of(kind);
  result += "/" + host + "/tcp/" + std::to_string(port);
  return peer ? result + "/p2p/" + peer->text() : result;
}

base::Result<Multiaddr> parse_multiaddr(std::string_view text, PeerPart part) {
  if (const char* reason = why_malformed(text)) {
    return refuse(reason);
  }
  if (text.ends_with('/')) {
    text.remove_suffix(1);
  }
  Components components(text);
  Multiaddr address;
  base::Result<void> read = read_host(components, address);
  if (read) {
    read = read_port(components, address);
  }
  if (read) {
    read = read_peer(components, part, address);
  }
  return read ? base::Result<Multiaddr>(std::move(address)) : tl::unexpected(read.error());
}

}  // namespace ghoard::peer
