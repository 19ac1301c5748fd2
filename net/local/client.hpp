#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/http/message.hpp"

namespace ghoard::local {

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  http::Headers headers;  ///< with Host; Content-Length or chunked framing is added
  std::string body;
  /// If set, the body is read from here until end of file, and sent chunked (`content_length` unknown) or with its
  /// length.
  int body_fd = -1;
  std::optional<std::uint64_t> content_length;
};

struct ClientResponse {
  int status = 0;
  std::string reason;
  http::Headers headers;
  std::string body;  ///< empty when the body was streamed to a callback
};

/// Receives body bytes of a response piece by piece; false stops reading and closes the connection.
using BodyCallback = std::function<bool(std::string_view)>;

/// One blocking HTTP/1.1 connection to the agent (or a `--one-shot` agent's socketpair). Move-only owner of its
/// descriptor; one thread. Every wait has a deadline.
class Connection {
 public:
  /// Connects to a Unix socket and checks that the peer has our uid. unavailable: nobody listens there.
  static base::Result<Connection> open(const std::string& socket_path, base::Millis deadline);
  /// Takes over a connected descriptor.
  static Connection adopt(int descriptor);

  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// Sends one request and reads its whole answer. Heads are capped at 64 KiB and buffered bodies at `body_limit` bytes
  /// (too_large). truncated: the connection ended before the announced end. `timeout` bounds each wait for the peer,
  /// not the whole.
  base::Result<ClientResponse> exchange(const ClientRequest& request, base::Millis timeout,
                                        std::uint64_t body_limit = 1ULL << 30);

  /// The same, but the head is given to `on_head` and the body to `on_body` as they arrive.
  base::Result<ClientResponse> exchange_streaming(const ClientRequest& request, base::Millis timeout,
                                                  const std::function<bool(const ClientResponse&)>& on_head,
                                                  const BodyCallback& on_body);

  /// False once the connection has ended or failed: take a new one.
  [[nodiscard]] bool is_open() const { return m_descriptor >= 0; }
  /// True when a further request may be sent: open, and the peer has neither closed nor said anything unasked.
  [[nodiscard]] bool is_reusable() const;

  /// True once any byte of the last request may have left: a write must not be repeated then.
  [[nodiscard]] bool sent_anything() const { return m_sent; }

 private:
  explicit Connection(int descriptor) : m_descriptor(descriptor) {}
  void close();

  int m_descriptor = -1;
  bool m_sent = false;
  std::string m_leftover;  // bytes read past the end of the last answer
};

}  // namespace ghoard::local
