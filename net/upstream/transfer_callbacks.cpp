// The side of a transfer that faces libcurl. What runs here runs within libcurl: it notes, and never calls on.

#include <algorithm>
#include <cstring>
#include <sys/socket.h>

#include "net/upstream/transfer.hpp"

namespace ghoard::upstream {

namespace {

/// What may wait here for a slow observer before libcurl is paused.
constexpr std::size_t k_inbox_cap = 256 * 1024;

}  // namespace

/// libcurl 7.88 repeats any request, a write too, up to five times when a reused connection dies before an answer, or
/// when the server refuses an HTTP/2 stream. It asks here before each attempt, which is where the port's rule is
/// enforced.
int Transfer::on_request(void* self, char*, char*, int, int) {
  return static_cast<Transfer*>(self)->may_send() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

bool Transfer::may_send() {
  const int allowed = is_repeatable(m_request) ? 2 : 1;
  if (++m_attempts > allowed) {
    return false;
  }
  // A second attempt must not meet another dead connection.
  curl_easy_setopt(m_easy, CURLOPT_FRESH_CONNECT, 1L);
  m_phase = Phase::sending;
  m_progress = Clock::now();
  arm();
  return true;
}

curl_socket_t Transfer::on_socket(void* self, curlsocktype, curl_sockaddr* address) {
  const auto* transfer = static_cast<Transfer*>(self);
  if (transfer->m_attempts > 0 && !is_repeatable(transfer->m_request)) {
    return CURL_SOCKET_BAD;  // the repeat would be refused anyway; do not connect for it
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t Transfer::on_header(char* data, std::size_t unit, std::size_t size, void* self) {
  // Anything but the size of the line makes libcurl give up.
  return static_cast<Transfer*>(self)->take_line({data, unit * size}) ? unit * size : 0;
}

bool Transfer::take_line(std::string_view line) {
  if (m_phase == Phase::done) {
    return false;
  }
  m_heard = true;
  if (m_head_seen) {
    return true;  // a trailer field (RFC 9112 section 7.1.2)
  }
  base::Result<HeadParser::State> state = m_parser.line(line);
  if (!state) {
    m_failure = state.error().with_context("answer of " + m_request.origin.url());
    return false;
  }
  if (*state == HeadParser::State::complete) {
    m_head = m_parser.take();
    m_head_seen = true;
    m_phase = Phase::receiving;
    m_progress = Clock::now();
    arm();
    m_lane->touch(shared_from_this());
  }
  return true;
}

std::size_t Transfer::on_body(char* data, std::size_t unit, std::size_t size, void* self) {
  return static_cast<Transfer*>(self)->take_body({data, unit * size});
}

std::size_t Transfer::take_body(std::string_view bytes) {
  if (m_phase == Phase::done) {
    return 0;
  }
  if (unread() + bytes.size() > k_inbox_cap) {
    m_held = true;
    return CURL_WRITEFUNC_PAUSE;  // libcurl keeps these bytes and brings them again
  }
  if (m_read > 0 && m_read == m_inbox.size()) {
    m_inbox.clear();
    m_read = 0;
  }
  m_inbox.append(bytes);
  m_progress = Clock::now();
  m_lane->touch(shared_from_this());
  return bytes.size();
}

std::size_t Transfer::on_read(char* into, std::size_t unit, std::size_t size, void* self) {
  return static_cast<Transfer*>(self)->give_body({into, unit * size});
}

int Transfer::on_seek(void*, curl_off_t, int) {
  return CURL_SEEKFUNC_FAIL;  // nothing that left is sent again
}

std::size_t Transfer::give_body(std::span<char> into) {
  if (m_phase == Phase::done) {
    return CURL_READFUNC_ABORT;
  }
  m_progress = Clock::now();
  if (m_request.stream) {
    return give_from_source(into);
  }
  const std::size_t count = std::min<std::size_t>(into.size(), m_request.body.size() - m_body_sent);
  std::memcpy(into.data(), m_request.body.data() + m_body_sent, count);
  m_body_sent += count;
  return count;
}

std::size_t Transfer::give_from_source(std::span<char> into) {
  if (m_request.content_length) {
    // A producer that brings more than it announced must not begin a second request on the wire.
    into = into.first(std::min<std::size_t>(into.size(), *m_request.content_length - m_body_sent));
    if (into.empty()) {
      return 0;
    }
  }
  const cache::BodySource::Read read = m_request.stream->read(into);
  switch (read.state) {
    case cache::BodySource::State::data: m_body_sent += read.size; return std::min(read.size, into.size());
    case cache::BodySource::State::wait: m_source_waits = true; return CURL_READFUNC_PAUSE;
    case cache::BodySource::State::end:
      if (!m_request.content_length) {
        return 0;
      }
      close_request(base::ErrorCode::truncated, "the body is shorter than announced");
      return CURL_READFUNC_ABORT;
    case cache::BodySource::State::lost:
      close_request(base::ErrorCode::truncated, "the sender of the body went away");
      return CURL_READFUNC_ABORT;
  }
  return CURL_READFUNC_ABORT;
}

void Transfer::close_request(base::ErrorCode code, std::string_view why) {
  m_failure = base::Error{code, "request to " + m_request.origin.url() + " given up: " + std::string(why)};
}

}  // namespace ghoard::upstream
