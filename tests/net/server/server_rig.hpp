#pragma once

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/server/descriptor.hpp"
#include "net/server/server.hpp"

namespace ghoard::testing {

/// Hands requests to a script; answers 200 "ok" without one.
class ScriptedHandler final : public cache::RequestHandler {
 public:
  using Script = std::function<void(cache::IncomingRequest&, const std::shared_ptr<cache::ReplySink>&)>;

  void handle(cache::IncomingRequest request, std::shared_ptr<cache::ReplySink> sink) override;

  Script script;
  std::vector<cache::IncomingRequest> requests;  ///< as received; bodies included
};

[[nodiscard]] cache::Reply text_reply(int status, std::string text);

/// The client's end of a connection: raw bytes, never blocking.
class RawClient {
 public:
  explicit RawClient(server::Descriptor socket);

  /// Sends what the socket takes; returns how much that was, or 0 if the server has left.
  std::size_t send(std::string_view bytes);
  void finish_sending();
  void close() { m_socket.reset(); }
  /// Takes what has arrived, at most `most` bytes.
  void receive(std::size_t most = SIZE_MAX);

  [[nodiscard]] const std::string& received() const { return m_received; }
  [[nodiscard]] bool ended() const { return m_ended; }
  [[nodiscard]] int descriptor() const { return m_socket.get(); }

 private:
  server::Descriptor m_socket;
  std::string m_received;
  bool m_ended = false;
};

/// A server on a loop that the test itself turns; everything happens on one thread.
class ServerRig {
 public:
  explicit ServerRig(server::Limits limits = {});
  ~ServerRig();

  /// A connection over a socketpair.
  std::unique_ptr<RawClient> connect();
  /// Opens the listening socket.
  void listen();
  /// Connects to the listening socket.
  std::unique_ptr<RawClient> dial();

  /// Turns the loop until `condition` holds; false after 20 s.
  bool until(const std::function<bool()>& condition);
  /// Turns the loop, receiving at `client`, until its bytes end with `end`, or for an empty `end` until it is closed.
  bool until_received(RawClient& client, std::string_view end);
  void turn();

  /// Sends a request and gives everything received once `end` has come.
  std::string exchange(RawClient& client, std::string_view request, std::string_view end);

  boost::asio::io_context loop{1};
  ScriptedHandler handler;
  std::unique_ptr<server::Server> server;
  std::filesystem::path socket;
  int closed = 0;  ///< how many on_closed calls came
};

[[nodiscard]] std::string body_of(std::string_view answer);
[[nodiscard]] bool has_line(std::string_view answer, std::string_view line);

inline constexpr std::string_view get = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

}  // namespace ghoard::testing
