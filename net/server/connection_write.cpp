// How a connection gives answers out.

#include <array>
#include <cerrno>
#include <charconv>
#include <sys/socket.h>
#include <utility>

#include "net/server/connection_sink.hpp"

namespace ghoard::server {

void Connection::send(cache::Reply reply) {
  if (m_phase != Phase::answering || m_begun || m_answered) {
    return;
  }
  m_begun = m_answered = true;
  Framing framing;
  if (!is_bodiless(reply.status)) {
    framing.kind = Framing::Kind::length;
    framing.length = reply.body ? reply.body->size() : 0;
    if (m_is_head && framing.length == 0) {
      framing.length = named_length(reply.headers).value_or(0);
    }
  }
  const bool with_body = framing.kind == Framing::Kind::length && !m_is_head && framing.length > 0;
  transmit(build_head(reply.status, reply.headers, framing), with_body ? std::move(reply.body) : nullptr);
  settle();
}

void Connection::begin(int status, const http::Headers& headers) {
  if (m_phase != Phase::answering || m_begun || m_answered) {
    return;
  }
  m_begun = true;
  m_head_only = m_is_head || is_bodiless(status);
  const std::optional<std::uint64_t> length = named_length(headers);
  if (is_bodiless(status)) {
    m_framing = {Framing::Kind::none, 0};
  } else if (length) {
    m_framing = {Framing::Kind::length, *length};
  } else if (m_http_1_0 || m_is_head) {
    m_framing = {Framing::Kind::until_close, 0};
  } else {
    m_framing = {Framing::Kind::chunked, 0};
  }
  m_close_after = m_close_after || (m_framing.kind == Framing::Kind::until_close && !m_head_only);
  transmit(std::array<std::string_view, 3>{build_head(status, headers, m_framing), {}, {}});
  settle();
}

bool Connection::write(std::string_view bytes) {
  if (m_phase != Phase::answering || !m_begun || m_answered || m_broken) {
    return true;
  }
  if (m_head_only || bytes.empty()) {
    return !m_stalled;
  }
  switch (m_framing.kind) {
    case Framing::Kind::none: return true;
    case Framing::Kind::length:
      if (bytes.size() > m_framing.length) {
        cut();
        return true;
      }
      m_framing.length -= bytes.size();
      [[fallthrough]];
    case Framing::Kind::until_close: transmit(std::array<std::string_view, 3>{bytes, {}, {}}); break;
    case Framing::Kind::chunked: {
      std::array<char, 20> line;
      char* end = std::to_chars(line.data(), line.data() + 16, bytes.size(), 16).ptr;
      *end++ = '\r';
      *end++ = '\n';
      const std::string_view size(line.data(), static_cast<std::size_t>(end - line.data()));
      transmit(std::array<std::string_view, 3>{size, bytes, "\r\n"});
      break;
    }
  }
  m_stalled = m_out.size() > m_host.limits().write_high_water;
  settle();
  return !m_stalled;
}

void Connection::end(const std::optional<base::Error>& failure) {
  if (m_phase != Phase::answering || m_answered) {
    return;
  }
  const bool short_of_length = m_framing.kind == Framing::Kind::length && m_framing.length > 0 && !m_head_only;
  if (failure || !m_begun || short_of_length) {
    cut();
    return;
  }
  m_answered = true;
  if (m_framing.kind == Framing::Kind::chunked && !m_head_only) {
    transmit(std::array<std::string_view, 3>{"0\r\n\r\n", {}, {}});
  }
  settle();
}

/// Ends the connection in the middle of the answer: a chunked or counted body is visibly incomplete then.
void Connection::cut() {
  m_answered = true;
  m_broken = true;
  m_out.clear();
  m_host.resume_later(*this);
}

std::string_view Connection::build_head(int status, const http::Headers& headers, const Framing& framing) {
  m_close_after = m_close_after || !m_keep_alive || m_host.draining() || !input_complete();
  const ConnectionField field = m_close_after ? ConnectionField::close
                                : m_http_1_0  ? ConnectionField::keep_alive
                                              : ConnectionField::none;
  std::string& head = m_host.head_buffer();
  head.clear();
  append_head(head, status, headers, framing, field, m_host.common_lines(), m_host.date_line());
  return head;
}

std::size_t Connection::transmit_now(std::span<iovec> entries) {
  msghdr message{};
  message.msg_iov = entries.data();
  message.msg_iovlen = entries.size();
  const ssize_t sent = ::sendmsg(m_socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  m_progress = m_host.now();
  if (sent >= 0) {
    return static_cast<std::size_t>(sent);
  }
  m_broken = m_broken || (errno != EAGAIN && errno != EINTR && errno != ENOBUFS);
  return 0;
}

void Connection::transmit(std::string_view head, http::Body body) {
  if (!m_out.empty() || m_broken) {
    m_out.append(head);
    m_out.append(std::move(body), 0);
    return;
  }
  const std::string_view bytes = body ? std::string_view(*body) : std::string_view();
  std::array<iovec, 2> entries{entry_of(head), entry_of(bytes)};
  std::size_t sent = transmit_now(std::span(entries).first(bytes.empty() ? 1 : 2));
  if (sent < head.size()) {
    m_out.append(head.substr(sent));
    sent = head.size();
  }
  if (sent - head.size() < bytes.size()) {
    m_out.append(std::move(body), sent - head.size());
  }
}

void Connection::transmit(std::span<const std::string_view, 3> parts) {
  std::size_t sent = 0;
  if (m_out.empty() && !m_broken) {
    std::array<iovec, 3> entries{entry_of(parts[0]), entry_of(parts[1]), entry_of(parts[2])};
    sent = transmit_now(entries);
  }
  for (const std::string_view part : parts) {
    const std::size_t skip = std::min(sent, part.size());
    sent -= skip;
    m_out.append(part.substr(skip));
  }
}

/// The socket has room again.
void Connection::flush() {
  std::array<iovec, 2> entries;
  const std::size_t count = m_out.gather(entries);
  m_out.consume(transmit_now(std::span(entries).first(count)));
  if (m_broken) {
    close();
    return;
  }
  if (m_stalled && m_out.size() <= m_host.limits().write_high_water / 2) {
    m_stalled = false;
    m_sink->drained();
  }
  if (m_phase == Phase::answering && m_answered && !m_broken && m_out.empty()) {
    request_done();
  }
  want_exactly();
}

/// After every step of an answer: it may be over, or the rest has to wait for the socket.
void Connection::settle() {
  if (m_broken) {
    m_out.clear();
    m_host.resume_later(*this);
    return;
  }
  if (m_answered && m_out.empty()) {
    request_done();
  } else {
    want();
  }
}

void Connection::request_done() {
  if (m_sink) {
    m_sink->detach(false);
  }
  if (std::exchange(m_counted, false)) {
    m_host.request_ended();
  }
  m_progress = m_host.now();
  if (!input_complete() && !m_input_over) {
    m_phase = Phase::lingering;
    m_parser.reset();
    ::shutdown(m_socket.get(), SHUT_WR);
    m_host.resume_later(*this);  // the stream's reader is told from there
    want();
    return;
  }
  if (m_close_after || m_host.draining()) {
    close();
    return;
  }
  if (m_stream) {
    m_stream->on_room(nullptr);
    m_stream.reset();
  }
  m_parser.reset();
  m_phase = Phase::idle;
  if (!m_parsing && !m_in.empty()) {
    m_host.resume_later(*this);
  } else {
    want();
  }
}

}  // namespace ghoard::server
