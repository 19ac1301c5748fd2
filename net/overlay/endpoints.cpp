#include "net/overlay/endpoints.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <charconv>
#include <fcntl.h>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/peer/ip_address.hpp"

namespace ghoard::overlay {

namespace {

namespace ip = boost::asio::ip;
using Error = boost::system::error_code;

constexpr std::uint16_t further_ports = 20;

/// Addresses that peers elsewhere have no use for.
bool is_local_only(const ip::address& address) {
  return address.is_loopback() || (address.is_v6() && address.to_v6().is_link_local()) ||
         (address.is_v4() && (address.to_v4().to_uint() >> 16) == 0xa9fe);  // RFC 3927
}

peer::Multiaddr multiaddr_of(const ip::address& address, std::uint16_t port) {
  peer::Multiaddr result;
  result.kind = address.is_v4() ? peer::Multiaddr::Kind::ip4 : peer::Multiaddr::Kind::ip6;
  result.host = host_text({address, port});
  result.port = port;
  return result;
}

std::optional<ip::address> address_of(const sockaddr* address) {
  if (address == nullptr) {
    return std::nullopt;
  }
  if (address->sa_family == AF_INET) {
    const auto* found = reinterpret_cast<const sockaddr_in*>(address);
    return ip::address_v4(ntohl(found->sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    const auto* found = reinterpret_cast<const sockaddr_in6*>(address);
    ip::address_v6::bytes_type bytes;
    std::copy_n(found->sin6_addr.s6_addr, bytes.size(), bytes.begin());
    return ip::address_v6(bytes);
  }
  return std::nullopt;
}

std::vector<ip::address> interface_addresses(bool with_ip6) {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) {
    return {};
  }
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(first, &::freeifaddrs);
  std::vector<ip::address> result;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    const std::optional<ip::address> address = address_of(entry->ifa_addr);
    if (address && (entry->ifa_flags & IFF_UP) != 0 && (with_ip6 || address->is_v4())) {
      result.push_back(*address);
    }
  }
  return result;
}

base::Result<Tcp::acceptor> listen_on(boost::asio::io_context& loop, const Tcp::endpoint& endpoint, bool dual) {
  Tcp::acceptor acceptor(loop);
  Error error;
  acceptor.open(endpoint.protocol(), error);
  if (!error && endpoint.protocol() == Tcp::v6()) {
    acceptor.set_option(ip::v6_only(!dual), error);
  }
  if (!error) {
    acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  }
  if (!error) {
    acceptor.bind(endpoint, error);
  }
  if (!error) {
    acceptor.listen(Tcp::acceptor::max_listen_connections, error);
  }
  if (!error) {
    acceptor.non_blocking(true, error);
  }
  if (!error && ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC) != 0) {
    error = Error(errno, boost::system::system_category());
  }
  if (error) {
    const bool is_taken = error == boost::asio::error::address_in_use;
    return base::fail(is_taken ? base::ErrorCode::busy : base::ErrorCode::system,
                      "cannot listen on " + text_of(endpoint) + ": " + error.message());
  }
  return acceptor;
}

base::Result<Tcp::acceptor> listen_at_port(boost::asio::io_context& loop, const ListenAt& at, std::uint16_t port) {
  if (at.address.empty()) {
    base::Result<Tcp::acceptor> both = listen_on(loop, {ip::address_v6::any(), port}, true);
    // A machine without IPv6.
    return both || both.error().code == base::ErrorCode::busy ? std::move(both)
                                                              : listen_on(loop, {ip::address_v4::any(), port}, false);
  }
  Error error;
  const ip::address address = ip::make_address(at.address, error);
  if (error) {
    return base::fail(base::ErrorCode::invalid_input, "the listen address is no IP address");
  }
  return listen_on(loop, {address, port}, false);
}

}  // namespace

Tcp::endpoint plain(const Tcp::endpoint& endpoint) {
  if (endpoint.address().is_v6() && endpoint.address().to_v6().is_v4_mapped()) {
    return {ip::make_address_v4(ip::v4_mapped, endpoint.address().to_v6()), endpoint.port()};
  }
  return endpoint;
}

std::string host_text(const Tcp::endpoint& endpoint) {
  const ip::address address = plain(endpoint).address();
  return address.is_v4() ? peer::format_ip4(address.to_v4().to_bytes()) : peer::format_ip6(address.to_v6().to_bytes());
}

std::string text_of(const Tcp::endpoint& endpoint) {
  const std::string host = host_text(endpoint);
  const bool is_ip6 = host.find(':') != std::string::npos;
  return (is_ip6 ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

std::string group_of(const Tcp::endpoint& endpoint, bool loopback_is_exempt) {
  const ip::address address = plain(endpoint).address();
  if (loopback_is_exempt && address.is_loopback()) {
    return {};
  }
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return {bytes.begin(), bytes.end()};
  }
  const auto bytes = address.to_v6().to_bytes();
  return {bytes.begin(), bytes.begin() + 8};
}

std::optional<Tcp::endpoint> literal(const peer::Multiaddr& address) {
  Error error;
  switch (address.kind) {
    case peer::Multiaddr::Kind::ip4: {
      const ip::address_v4 host = ip::make_address_v4(address.host, error);
      return error ? std::nullopt : std::optional(Tcp::endpoint(host, address.port));
    }
    case peer::Multiaddr::Kind::ip6: {
      ip::address_v6 host = ip::make_address_v6(address.host, error);
      if (!error && !address.zone.empty()) {
        unsigned long scope = ::if_nametoindex(address.zone.c_str());
        if (scope == 0) {
          std::from_chars(address.zone.data(), address.zone.data() + address.zone.size(), scope);
        }
        if (scope == 0) {
          return std::nullopt;
        }
        host.scope_id(static_cast<ip::scope_id_type>(scope));
      }
      return error ? std::nullopt : std::optional(Tcp::endpoint(host, address.port));
    }
    case peer::Multiaddr::Kind::dns:
    case peer::Multiaddr::Kind::dns4:
    case peer::Multiaddr::Kind::dns6: break;
  }
  return std::nullopt;
}

std::vector<peer::Multiaddr> reachable_at(const Tcp::endpoint& bound) {
  if (!bound.address().is_unspecified()) {
    return {multiaddr_of(plain(bound).address(), bound.port())};
  }
  const std::vector<ip::address> found = interface_addresses(bound.address().is_v6());
  std::vector<peer::Multiaddr> result;
  for (const bool want_ip6 : {false, true}) {
    for (const ip::address& address : found) {
      if (address.is_v6() == want_ip6 && !is_local_only(address)) {
        result.push_back(multiaddr_of(address, bound.port()));
      }
    }
  }
  if (result.empty()) {
    result.push_back(multiaddr_of(ip::address_v4::loopback(), bound.port()));
  }
  return result;
}

base::Result<Tcp::acceptor> open_listener(boost::asio::io_context& loop, const ListenAt& at) {
  base::Result<Tcp::acceptor> first = listen_at_port(loop, at, at.port);
  if (first || at.port == 0 || at.port_is_explicit || first.error().code != base::ErrorCode::busy) {
    return first;
  }
  for (std::uint16_t i = 1; i <= further_ports && at.port <= 0xffff - i; ++i) {
    base::Result<Tcp::acceptor> next = listen_at_port(loop, at, static_cast<std::uint16_t>(at.port + i));
    if (next || next.error().code != base::ErrorCode::busy) {
      return next;
    }
  }
  return first;
}

}  // namespace ghoard::overlay
