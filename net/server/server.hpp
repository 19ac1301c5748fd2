#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/cache/reply.hpp"

namespace ghoard::server {

/// Bounds on what one client, and all of them together, may hold.
struct Limits {
  std::size_t header_bytes = 64 * 1024;
  std::size_t buffered_body_bytes = 1024 * 1024;  ///< larger request bodies are streamed
  std::size_t connections = 512;                  ///< further ones wait in the listen queue
  base::Millis header_deadline{10'000};           ///< from the first byte of a request to the end of its head
  base::Millis idle_deadline{60'000};             ///< keep-alive without a request
  base::Millis body_deadline{30'000};             ///< without a byte of progress, in either direction
  base::Millis total_deadline{3'600'000};         ///< one request, from head to last byte of the answer
  std::size_t write_high_water = 256 * 1024;      ///< a streamed answer holds back above this
};

/// HTTP/1.1 server over a Unix stream socket. One loop, one thread; must outlive no handler.
class Server {
 public:
  /// `agent_header` goes out as Ghoard-Agent with every answer.
  Server(boost::asio::io_context& loop, cache::RequestHandler& handler, Limits limits, std::string agent_header);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Serves connections accepted from a listening descriptor, which it takes over. Peers of another uid are closed at
  /// once.
  base::Result<void> listen(int listening_descriptor);
  /// Serves one connected descriptor, which it takes over; `on_closed` is called when that connection has ended.
  base::Result<void> serve(int connected_descriptor, std::function<void()> on_closed);

  /// Stops accepting, lets requests under way finish for at most `grace`, then closes; `on_drained` is called once.
  void drain(base::Millis grace, std::function<void()> on_drained);

  [[nodiscard]] std::size_t connections() const;
  /// When the last request began or ended; requests under way count as now. For the idle exit.
  [[nodiscard]] base::MonoTime last_activity() const;

 private:
  class Impl;
  std::shared_ptr<Impl> m_impl;
};

}  // namespace ghoard::server
