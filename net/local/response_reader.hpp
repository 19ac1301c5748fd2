#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "core/base/result.hpp"
#include "net/local/client.hpp"

namespace ghoard::local {

/// Reads one HTTP/1.1 answer from bytes as they come (RFC 9112): no I/O of its own. Interim answers (1xx) are skipped;
/// HEAD, 204 and 304 have no body; a head over 64 KiB is refused.
class ResponseReader {
 public:
  using HeadSink = std::function<bool(const ClientResponse&)>;

  /// A sink that answers false stops the reading: see is_stopped.
  ResponseReader(bool to_head_request, HeadSink on_head, BodyCallback on_body);
  ~ResponseReader();
  ResponseReader(const ResponseReader&) = delete;
  ResponseReader& operator=(const ResponseReader&) = delete;

  /// Takes bytes and says how many belong to this answer so far. Feed what is left over again, with more behind it.
  base::Result<std::size_t> feed(std::string_view bytes);
  /// The peer ended the stream. truncated: before the end of the answer; unavailable: before its first byte.
  base::Result<void> end_of_stream();

  [[nodiscard]] bool is_complete() const;
  [[nodiscard]] bool is_stopped() const;
  /// After completion: whether the connection may carry another exchange.
  [[nodiscard]] bool may_continue() const;
  /// The head as given to `on_head`.
  [[nodiscard]] const ClientResponse& response() const;

 private:
  class Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace ghoard::local
