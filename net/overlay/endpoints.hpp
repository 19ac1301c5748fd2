#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/peer/multiaddr.hpp"

namespace ghoard::overlay {

using Tcp = boost::asio::ip::tcp;

/// With IPv4-mapped IPv6 as IPv4: the same machine.
[[nodiscard]] Tcp::endpoint plain(const Tcp::endpoint& endpoint);
/// "192.0.2.7" or "2001:db8::1", without zone and port.
[[nodiscard]] std::string host_text(const Tcp::endpoint& endpoint);
/// "192.0.2.7:9100" or "[2001:db8::1]:9100".
[[nodiscard]] std::string text_of(const Tcp::endpoint& endpoint);
/// What connections are counted by: the IPv4 address or the IPv6 /64, as bytes. Empty for loopback if that is exempt.
[[nodiscard]] std::string group_of(const Tcp::endpoint& endpoint, bool loopback_is_exempt);

/// The endpoint of an address that needs no resolver; nothing for names, and for zones that this machine has not got.
[[nodiscard]] std::optional<Tcp::endpoint> literal(const peer::Multiaddr& address);

/// What a bound listener is reached at from elsewhere, without /p2p/: its own address, or those of the machine's
/// interfaces if it listens on all. Loopback only where there is nothing else. Link-local ones are left out, since
/// their zones mean nothing elsewhere.
[[nodiscard]] std::vector<peer::Multiaddr> reachable_at(const Tcp::endpoint& bound);

/// Binds and listens, closed to exec and not blocking. `address` empty: all interfaces, IPv6 and IPv4 if the machine
/// has both. Port 0: any. Unless the port was set explicitly, the next free one of 20 more is taken.
struct ListenAt {
  std::string address;
  std::uint16_t port = 9100;
  bool port_is_explicit = false;
};
[[nodiscard]] base::Result<Tcp::acceptor> open_listener(boost::asio::io_context& loop, const ListenAt& at);

}  // namespace ghoard::overlay
