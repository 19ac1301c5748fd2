#pragma once

#include <cstdint>
#include <netinet/in.h>

namespace ghoard::testing {

/// 127.0.0.1 and a port; 0 lets the kernel choose one when a socket is bound to it.
inline sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace ghoard::testing
