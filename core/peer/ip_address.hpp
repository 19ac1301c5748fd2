#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ghoard::peer {

using Ip4 = std::array<std::uint8_t, 4>;
using Ip6 = std::array<std::uint8_t, 16>;

/// Four decimal octets without leading zeros and nothing else: what inet_aton also takes (octal, fewer parts) is an
/// address to some programs and another one to others.
[[nodiscard]] std::optional<Ip4> parse_ip4(std::string_view text);
/// RFC 4291 section 2.2, with an IPv4 tail or without; no zone, no brackets.
[[nodiscard]] std::optional<Ip6> parse_ip6(std::string_view text);

[[nodiscard]] std::string format_ip4(const Ip4& address);
/// RFC 5952: lower case, no leading zeros, the first of the longest runs of zero groups shortened.
[[nodiscard]] std::string format_ip6(const Ip6& address);

/// The IPv4 address behind ::ffff:0:0/96: the same machine under another name.
[[nodiscard]] std::optional<Ip4> mapped_ip4(const Ip6& address);
[[nodiscard]] bool is_link_local(const Ip6& address);

/// Why nobody can be dialled there; nullptr where somebody can. IPv4: RFC 6890's blocks that are no destination of a
/// connection (0/8, multicast, 240/4 with broadcast); IPv6: unspecified and multicast.
[[nodiscard]] const char* why_no_destination(const Ip4& address);
[[nodiscard]] const char* why_no_destination(const Ip6& address);

}  // namespace ghoard::peer
