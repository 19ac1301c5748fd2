#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/http/message.hpp"

namespace ghoard::testing {

struct HttpAnswer {
  int status = 0;
  http::Headers headers;
  std::string body;  ///< without chunked framing
  std::string raw;   ///< every byte as it came
};

/// A small blocking HTTP/1.1 client for tests, independent of the product's. One connection; `send` and `receive` may
/// be used alone to speak the raw protocol.
class HttpClient {
 public:
  static base::Result<HttpClient> tcp(std::uint16_t port, base::Millis timeout = base::Seconds(20));
  static base::Result<HttpClient> unix_socket(const std::string& path, base::Millis timeout = base::Seconds(20));
  HttpClient(HttpClient&& other) noexcept;
  HttpClient& operator=(HttpClient&& other) noexcept;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// Adds Host (unless given) and, for a body, Content-Length (unless framed by the caller).
  base::Result<HttpAnswer> exchange(std::string_view method, std::string_view target, const http::Headers& headers = {},
                                    std::string_view body = {});
  base::Result<void> send(std::string_view bytes);
  /// One answer; `head_only` for answers to HEAD. truncated: the connection ended before the announced end.
  base::Result<HttpAnswer> receive(bool head_only = false);
  /// True if the peer has closed and nothing is left to read.
  [[nodiscard]] bool at_end();
  void shut_down_sending();

 private:
  HttpClient(int descriptor, std::string host) : m_descriptor(descriptor), m_host(std::move(host)) {}
  base::Result<bool> fill();
  base::Result<void> read_sized(HttpAnswer& answer, std::size_t size);
  base::Result<void> read_chunked(HttpAnswer& answer);
  base::Result<std::string> take_line();

  int m_descriptor = -1;
  std::string m_host;
  std::string m_buffer;  // received and not yet used
};

}  // namespace ghoard::testing
