#include "net/local/response_reader.hpp"

#include <array>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace ghoard::local {

namespace beast = boost::beast;

namespace {

constexpr std::uint32_t max_head_bytes = 64 * 1024;
constexpr int max_interim_answers = 16;
/// A chunked body ends with "0\r\n\r\n" at the least. Beast 1.81 asserts that it sees that much when it looks at a last
/// chunk for the second time, which is wrong for "0\r\n" + "\r": fewer bytes are kept back until more have come.
constexpr std::size_t shortest_chunked_rest = 5;

using Parser = beast::http::response_parser<beast::http::buffer_body>;

tl::unexpected<base::Error> malformed(const boost::system::error_code& error) {
  if (error == beast::http::error::header_limit) {
    return base::fail(base::ErrorCode::too_large, "the answer's head is larger than 64 KiB");
  }
  return base::fail(base::ErrorCode::invalid_input, "malformed answer: " + error.message());
}

}  // namespace

class ResponseReader::Impl {
 public:
  Impl(bool to_head_request, HeadSink on_head, BodyCallback on_body)
      : m_to_head_request(to_head_request), m_on_head(std::move(on_head)), m_on_body(std::move(on_body)) {
    begin();
  }

  base::Result<std::size_t> feed(std::string_view bytes) {
    std::size_t used = 0;
    m_seen = m_seen || !bytes.empty();
    while (used < bytes.size() && !m_parser->is_done() && !m_stopped) {
      const base::Result<std::size_t> step =
          m_parser->is_header_done() ? feed_body(bytes.substr(used)) : feed_head(bytes.substr(used));
      if (!step) {
        return step;
      }
      if (*step == 0 && !m_progress) {
        break;
      }
      used += *step;
    }
    return used;
  }

  base::Result<void> end_of_stream() {
    if (m_parser->is_done() || m_stopped) {
      return {};
    }
    if (!m_seen) {
      return base::fail(base::ErrorCode::unavailable, "the connection was closed without an answer");
    }
    if (!m_parser->is_header_done() || !m_parser->need_eof()) {
      return base::fail(base::ErrorCode::truncated, "the answer ended before its announced end");
    }
    boost::system::error_code error;
    m_parser->put_eof(error);
    return error ? base::Result<void>(malformed(error)) : base::Result<void>();
  }

  [[nodiscard]] bool is_complete() const { return m_parser->is_done(); }
  [[nodiscard]] bool is_stopped() const { return m_stopped; }
  [[nodiscard]] bool may_continue() const { return m_parser->is_done() && m_parser->keep_alive(); }
  [[nodiscard]] const ClientResponse& response() const { return m_response; }

 private:
  void begin() {
    m_parser.emplace();
    m_parser->header_limit(max_head_bytes);
    m_parser->body_limit(boost::none);
    m_parser->skip(m_to_head_request);
  }

  base::Result<std::size_t> feed_head(std::string_view bytes) {
    boost::system::error_code error;
    const std::size_t used = m_parser->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    m_progress = m_parser->is_header_done();
    if (error && error != beast::http::error::need_more) {
      return malformed(error);
    }
    if (!m_progress) {
      return used;
    }
    const unsigned status = m_parser->get().result_int();
    if (status >= 200) {
      deliver_head();
      return used;
    }
    // 101 would end HTTP on this connection, and nobody asked for that.
    if (status == 101 || ++m_interim_answers > max_interim_answers) {
      return base::fail(base::ErrorCode::invalid_input, "malformed answer: unexpected interim answers");
    }
    begin();
    return used;
  }

  void deliver_head() {
    const Parser::value_type& head = m_parser->get();
    m_response.status = static_cast<int>(head.result_int());
    m_response.reason = std::string(head.reason());
    for (const auto& field : head) {
      m_response.headers.add(std::string(field.name_string()), std::string(field.value()));
    }
    m_stopped = !m_on_head(m_response);
  }

  base::Result<std::size_t> feed_body(std::string_view bytes) {
    m_progress = false;
    if (m_parser->chunked() && bytes.size() < shortest_chunked_rest) {
      return 0;
    }
    beast::http::buffer_body::value_type& body = m_parser->get().body();
    body.data = m_buffer.data();
    body.size = m_buffer.size();
    body.more = true;
    boost::system::error_code error;
    const std::size_t used = m_parser->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    const std::size_t got = m_buffer.size() - body.size;
    if (error && error != beast::http::error::need_more && error != beast::http::error::need_buffer) {
      return malformed(error);
    }
    m_progress = got > 0 || m_parser->is_done();
    if (got > 0 && !m_on_body(std::string_view(m_buffer.data(), got))) {
      m_stopped = true;
    }
    return used;
  }

  bool m_to_head_request;
  HeadSink m_on_head;
  BodyCallback m_on_body;
  std::optional<Parser> m_parser;
  ClientResponse m_response;
  std::array<char, 64 * 1024> m_buffer;
  int m_interim_answers = 0;
  bool m_seen = false;
  bool m_progress = false;
  bool m_stopped = false;
};

ResponseReader::ResponseReader(bool to_head_request, HeadSink on_head, BodyCallback on_body)
    : m_impl(std::make_unique<Impl>(to_head_request, std::move(on_head), std::move(on_body))) {}
ResponseReader::~ResponseReader() = default;

base::Result<std::size_t> ResponseReader::feed(std::string_view bytes) {
  return m_impl->feed(bytes);
}
base::Result<void> ResponseReader::end_of_stream() {
  return m_impl->end_of_stream();
}
bool ResponseReader::is_complete() const {
  return m_impl->is_complete();
}
bool ResponseReader::is_stopped() const {
  return m_impl->is_stopped();
}
bool ResponseReader::may_continue() const {
  return m_impl->may_continue();
}
const ClientResponse& ResponseReader::response() const {
  return m_impl->response();
}

}  // namespace ghoard::local
