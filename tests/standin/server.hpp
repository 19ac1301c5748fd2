#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/standin/site.hpp"

namespace ghoard::standin {

/// The sockets: one listener for the API, one for assets, on one thread. HTTP/1.1 with persistent connections.
class Server {
 public:
  /// Listens on 127.0.0.1; port 0 takes a free one. Throws std::system_error if it cannot.
  Server(Site& site, std::uint16_t port);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::uint16_t asset_port() const;
  /// Until SIGTERM or SIGINT, or the end of standard input if `until_stdin_ends`.
  void run(bool until_stdin_ends);

 private:
  struct Sockets;
  std::unique_ptr<Sockets> m_sockets;
};

}  // namespace ghoard::standin
