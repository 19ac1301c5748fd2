#include "net/server/request_parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>
#include <utility>

namespace ghoard::server {

namespace beast = boost::beast;
namespace grammar = boost::beast::http;

namespace {

constexpr std::size_t max_fields = 256;
/// The shortest end of a chunked body, "0 CRLF CRLF"; Beast asserts that it sees so much of it at once.
constexpr std::size_t shortest_last_chunk = 5;

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

/// Fields that concern only this connection or its framing (RFC 9110 section 7.6.1).
bool is_hop_by_hop(grammar::field field) {
  return field == grammar::field::connection || field == grammar::field::proxy_connection ||
         field == grammar::field::keep_alive || field == grammar::field::te || field == grammar::field::trailer ||
         field == grammar::field::upgrade;
}

}  // namespace

/// Beast's grammar, writing straight into an IncomingRequest instead of a container of its own.
class RequestParser::Grammar final : public grammar::basic_parser<true> {
 public:
  Grammar() {
    eager(true);
    body_limit(boost::none);
    header_limit(std::numeric_limits<std::uint32_t>::max());  // counted by RequestParser
    m_request.headers.reserve(12);
  }

  cache::IncomingRequest m_request;
  std::string m_body;
  int m_version = 0;
  std::size_t m_hosts = 0;
  std::size_t m_lengths = 0;
  std::size_t m_encodings = 0;
  bool m_one_length = true;
  bool m_chunked_alone = false;
  bool m_too_many = false;
  std::string m_expect;

 private:
  using Text = beast::string_view;
  using Failure = beast::error_code;

  void on_request_impl(grammar::verb, Text method, Text target, int version, Failure&) override {
    m_version = version;
    m_request.method = view(method);
    m_request.target = view(target);
  }
  void on_response_impl(int, Text, int, Failure&) override {}

  void on_field_impl(grammar::field field, Text name, Text value, Failure& failure) override {
    if (m_in_trailer) {
      return;  // nothing that a trailer may say concerns us (RFC 9110 section 6.5.1)
    }
    if (m_request.headers.size() >= max_fields) {
      m_too_many = true;
      failure = grammar::error::header_limit;
      return;
    }
    if (!note_framing(field, view(value)) && !is_hop_by_hop(field)) {
      m_request.headers.add(std::string(view(name)), std::string(view(value)));
    }
  }

  /// True for fields that end here: the framing of this message.
  bool note_framing(grammar::field field, std::string_view value) {
    if (field == grammar::field::host) {
      ++m_hosts;
      return false;
    }
    if (field == grammar::field::content_length) {
      ++m_lengths;
      m_one_length = m_one_length && value.find_first_not_of("0123456789") == std::string_view::npos;
      return true;
    }
    if (field == grammar::field::transfer_encoding) {
      ++m_encodings;
      m_chunked_alone = http::iequals(value, "chunked");
      return true;
    }
    if (field == grammar::field::expect) {
      m_expect = value;
      return true;
    }
    return false;
  }

  void on_header_impl(Failure&) override { m_in_trailer = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Failure&) override {}
  std::size_t on_body_impl(Text bytes, Failure&) override {
    m_body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, Failure&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text bytes, Failure& failure) override {
    return on_body_impl(bytes, failure);
  }
  void on_finish_impl(Failure&) override {}

  bool m_in_trailer = false;
};

RequestParser::RequestParser(std::size_t header_limit)
    : m_grammar(std::make_unique<Grammar>()), m_header_limit(header_limit) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

cache::IncomingRequest& RequestParser::request() {
  return m_grammar->m_request;
}

std::string RequestParser::take_body() {
  return std::exchange(m_grammar->m_body, {});
}

std::size_t RequestParser::body_bytes_held() const {
  return m_grammar->m_body.size();
}

bool RequestParser::refuse(int status, std::string_view code, std::string_view message) {
  m_state = State::failed;
  m_refusal = {status, code, message};
  return false;
}

std::size_t RequestParser::feed(std::string_view bytes) {
  const std::size_t offered = bytes.size();
  if (m_state == State::head && !feed_head(bytes)) {
    return offered - bytes.size();
  }
  if (m_state == State::body) {
    feed_body(bytes);
  }
  return offered - bytes.size();
}

/// True once the head has been taken.
bool RequestParser::feed_head(std::string_view& bytes) {
  while (m_untouched && bytes.starts_with("\r\n")) {
    bytes.remove_prefix(2);  // empty lines before a request are ignored (RFC 9112 section 2.2)
  }
  if (bytes.empty() || (m_untouched && bytes == "\r")) {
    return false;
  }
  m_untouched = false;
  const HeadScanner::State found = m_scanner.scan(bytes);
  if (found == HeadScanner::State::malformed) {
    return refuse(400, "malformed", "the request head has a bare line feed or a folded line");
  }
  if (bytes.size() > m_header_limit && (found == HeadScanner::State::partial || m_scanner.size() > m_header_limit)) {
    return refuse(431, "header_too_large", "the request line and header fields are larger than is accepted");
  }
  if (found == HeadScanner::State::partial) {
    return false;
  }
  const std::string_view head = bytes.substr(0, m_scanner.size());
  bytes.remove_prefix(head.size());
  return parse_head(head);
}

bool RequestParser::parse_head(std::string_view head) {
  const std::size_t line_end = head.find("\r\n");
  const std::optional<std::string> line = encode_request_line(head.substr(0, line_end));
  std::string rewritten;
  if (line) {
    rewritten.reserve(line->size() + head.size() - line_end);
    rewritten.append(*line).append(head.substr(line_end));
    head = rewritten;
  }
  beast::error_code failure;
  m_grammar->put(boost::asio::const_buffer(head.data(), head.size()), failure);
  if (m_grammar->m_too_many) {
    return refuse(431, "header_too_large", "the request has too many header fields");
  }
  if (failure == grammar::error::bad_version) {
    return refuse(505, "bad_version", "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  if (failure || !m_grammar->is_header_done()) {
    return refuse(400, "malformed", "the request head is malformed");
  }
  return check_head();
}

/// What Beast lets pass although two readers could take it differently.
bool RequestParser::check_head() {
  Grammar& parsed = *m_grammar;
  m_keep_alive = parsed.keep_alive();
  m_http_1_0 = parsed.m_version == 10;
  if (parsed.m_hosts > 1 || (parsed.m_hosts == 0 && !m_http_1_0)) {
    return refuse(400, "malformed", "the request needs exactly one Host field");
  }
  if (parsed.m_lengths > 1 || !parsed.m_one_length) {
    return refuse(400, "malformed", "the request needs one plain Content-Length");
  }
  if (parsed.m_encodings > 0 && (parsed.m_lengths > 0 || m_http_1_0 || parsed.m_encodings > 1)) {
    return refuse(400, "malformed", "the request has conflicting framing fields");
  }
  if (parsed.m_encodings > 0 && !parsed.m_chunked_alone) {
    return refuse(501, "unsupported", "chunked is the only Transfer-Encoding accepted");
  }
  if (!parsed.m_expect.empty() && !http::iequals(parsed.m_expect, "100-continue")) {
    return refuse(417, "unsupported", "100-continue is the only expectation met here");
  }
  m_expects_continue = !parsed.m_expect.empty() && !m_http_1_0 && !parsed.is_done();
  if (const boost::optional<std::uint64_t> length = parsed.content_length(); length) {
    parsed.m_request.content_length = *length;
  }
  m_state = parsed.is_done() ? State::complete : State::body;
  return true;
}

void RequestParser::feed_body(std::string_view& bytes) {
  if (bytes.empty() || (m_grammar->chunked() && bytes.size() < shortest_last_chunk)) {
    return;
  }
  beast::error_code failure;
  bytes.remove_prefix(m_grammar->put(boost::asio::const_buffer(bytes.data(), bytes.size()), failure));
  if (failure && failure != grammar::error::need_more) {
    refuse(400, "malformed", "the request body is malformed");
    return;
  }
  if (m_grammar->is_done()) {
    m_state = State::complete;
    return;
  }
  if (bytes.size() > m_header_limit) {  // only a chunk's head or the trailer section can be left over
    refuse(400, "malformed", "a chunk head or the trailer section is larger than is accepted");
  }
}

}  // namespace ghoard::server
