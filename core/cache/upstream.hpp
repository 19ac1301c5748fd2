#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/http/message.hpp"

namespace ghoard::cache {

/// A request body that arrives piece by piece. One producer, one consumer, one thread.
class BodySource {
 public:
  enum class State {
    data,  ///< bytes were written
    wait,  ///< nothing now; the consumer is told by the readable callback
    end,   ///< the body is complete
    lost,  ///< the producer went away before the end
  };
  struct Read {
    State state = State::end;
    std::size_t size = 0;
  };
  virtual ~BodySource() = default;
  virtual Read read(std::span<char> into) = 0;
  /// Called once each time `read` answered `wait` and more can be said now. Set by the consumer.
  virtual void on_readable(std::function<void()> callback) = 0;
};

struct UpstreamRequest {
  std::string method;
  http::Origin origin;
  std::string target;     ///< origin-form, encoded
  http::Headers headers;  ///< exactly as sent, without Host, Content-Length, Connection and Accept-Encoding
  std::string body;       ///< used when `stream` is null
  std::shared_ptr<BodySource> stream;
  std::optional<std::uint64_t> content_length;  ///< of `stream`, if known; otherwise chunked
};

struct ResponseHead {
  int status = 0;
  http::Headers headers;  ///< Content-Encoding and Content-Length removed where the body was decoded
};

/// Receives one upstream answer, on the loop thread: on_head, on_data*, on_end, or on_end alone with a failure.
class ResponseObserver {
 public:
  virtual ~ResponseObserver() = default;
  virtual void on_head(ResponseHead head) = 0;
  /// Decoded bytes. False: pause until Exchange::resume.
  virtual bool on_data(std::string_view chunk) = 0;
  /// Exactly once, last. A failure after on_head means that the body is incomplete.
  virtual void on_end(std::optional<base::Error> failure) = 0;
};

/// A request under way. Destroying it cancels it: the observer is not called again.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void resume() = 0;
};

/// Talks to the servers. Never follows redirects, never retries a write; repeats a GET or HEAD at most once, and only
/// when a reused connection was lost before any byte of an answer.
class Upstream {
 public:
  virtual ~Upstream() = default;
  /// `observer` is kept until on_end or until the Exchange is destroyed, and is never called from within start.
  virtual std::unique_ptr<Exchange> start(UpstreamRequest request, std::shared_ptr<ResponseObserver> observer) = 0;
};

}  // namespace ghoard::cache
