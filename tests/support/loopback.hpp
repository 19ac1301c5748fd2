#pragma once

#include <cstdint>
#include <netinet/in.h>
#include <random>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace ghoard::testing {

/// 127.0.0.1 and a port; 0 lets the kernel choose one when a socket is bound to it.
inline sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A port of loopback for a process that is about to start. Below those that the kernel gives to whoever connects (from
/// 32768 on, ip(7)), since between now and then one of thousands of connections would take it now and again.
inline std::uint16_t unused_port() {
  std::random_device random;
  std::uniform_int_distribution<int> below_the_kernels(20'000, 32'000);
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto port = static_cast<std::uint16_t>(below_the_kernels(random));
    const sockaddr_in address = loopback_address(port);
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool is_free = ::bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(probe);
    if (is_free) {
      return port;
    }
  }
  throw std::runtime_error("no port of loopback is free");
}

}  // namespace ghoard::testing
