#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/cache/reply.hpp"
#include "net/server/request_line.hpp"

namespace ghoard::server {

/// Why a request is not taken, as the client is told.
struct Refusal {
  int status = 400;
  std::string_view code;     ///< value of "ghoard_error"
  std::string_view message;  ///< plain ASCII without quotes
};

/// One HTTP/1.1 request from bytes (RFC 9112); never touches a socket. Stricter than the RFC where leniency could let
/// two readers disagree: one Host, Content-Length or Transfer-Encoding but never both, `chunked` alone.
class RequestParser {
 public:
  enum class State {
    head,      ///< the head is not complete
    body,      ///< the head is known, more of the body is to come
    complete,  ///< everything has been read
    failed,    ///< see refusal()
  };

  explicit RequestParser(std::size_t header_limit);
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  /// Takes what it can and returns how many bytes that were; the caller offers the rest again, with more behind it.
  std::size_t feed(std::string_view bytes);

  [[nodiscard]] State state() const { return m_state; }
  [[nodiscard]] const Refusal& refusal() const { return m_refusal; }
  /// True until the first byte of a request line has been taken or kept.
  [[nodiscard]] bool untouched() const { return m_untouched; }

  // Known once the head is complete.
  /// Method, target, headers (without those that concern only this connection) and content_length. To be moved from.
  cache::IncomingRequest& request();
  [[nodiscard]] bool keep_alive() const { return m_keep_alive; }
  [[nodiscard]] bool http_1_0() const { return m_http_1_0; }
  [[nodiscard]] bool expects_continue() const { return m_expects_continue; }
  /// Decoded body bytes since the last call.
  [[nodiscard]] std::string take_body();
  [[nodiscard]] std::size_t body_bytes_held() const;

 private:
  class Grammar;

  bool feed_head(std::string_view& bytes);
  bool parse_head(std::string_view head);
  void feed_body(std::string_view& bytes);
  bool check_head();
  bool refuse(int status, std::string_view code, std::string_view message);

  std::unique_ptr<Grammar> m_grammar;
  HeadScanner m_scanner;
  std::size_t m_header_limit;
  State m_state = State::head;
  Refusal m_refusal;
  bool m_untouched = true;
  bool m_keep_alive = false;
  bool m_http_1_0 = false;
  bool m_expects_continue = false;
};

}  // namespace ghoard::server
