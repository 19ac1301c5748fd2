#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/cache/upstream.hpp"
#include "core/http/message.hpp"

namespace ghoard::cache {

/// A whole answer to a client.
struct Reply {
  int status = 200;
  http::Headers headers;  ///< without Content-Length, Connection, Date: the server adds them
  http::Body body;        ///< may be null: no bytes
};

/// Where the answer to one request goes; implemented by net/server. All calls on the loop thread. Exactly one of:
/// `send` once; or `begin`, `write`*, `end`. Calls after the client has gone are accepted and do nothing.
class ReplySink {
 public:
  virtual ~ReplySink() = default;

  virtual void send(Reply reply) = 0;

  /// Starts a streamed answer. `on_drained` is called each time a `write` had answered false and there is room again;
  /// `on_gone` once if the client leaves before `end`.
  virtual void begin(int status, http::Headers headers, std::function<void()> on_drained,
                     std::function<void()> on_gone) = 0;
  /// Copies the bytes. False: hold back until `on_drained`.
  virtual bool write(std::string_view bytes) = 0;
  /// A failure cuts the connection so that the client can tell that the body is incomplete.
  virtual void end(std::optional<base::Error> failure) = 0;

  [[nodiscard]] virtual bool gone() const = 0;

  /// Who asks is the agent itself. What goes upstream for it is counted as ever, but it is none of the requests whose
  /// answers `stats` tells, and saves nobody a call.
  [[nodiscard]] virtual bool is_own() const { return false; }
};

/// One request as it came from a client.
struct IncomingRequest {
  std::string method;
  std::string target;
  http::Headers headers;
  std::string body;                    ///< whole, when `stream` is null
  std::shared_ptr<BodySource> stream;  ///< a body larger than the server buffers
  std::optional<std::uint64_t> content_length;
};

/// What the server hands requests to.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  virtual void handle(IncomingRequest request, std::shared_ptr<ReplySink> sink) = 0;
};

}  // namespace ghoard::cache
