// How a connection takes requests in.

#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <utility>

#include "net/server/connection_sink.hpp"

namespace ghoard::server {

namespace {

/// What a client may still send after its answer before the connection is closed all the same.
constexpr std::size_t linger_bytes = 4 * 1024 * 1024;

constexpr std::string_view go_ahead = "HTTP/1.1 100 Continue\r\n\r\n";  // RFC 9110 section 10.1.1

}  // namespace

bool Connection::input_complete() const {
  return !m_parser || m_parser->state() == RequestParser::State::complete;
}

bool Connection::wants_input() const {
  if (m_broken || m_input_over) {
    return false;
  }
  switch (m_phase) {
    case Phase::idle:
    case Phase::head:
    case Phase::body:
    case Phase::lingering: return true;
    case Phase::answering:
      return m_stream && m_parser && m_parser->state() == RequestParser::State::body &&
             m_stream->held() < m_host.limits().write_high_water;
    case Phase::closed: return false;
  }
  return false;
}

void Connection::read_some() {
  const std::span<char> buffer = m_host.read_buffer();
  const ssize_t size = ::recv(m_socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      close();
    }
    return;
  }
  if (size == 0) {
    end_of_input();
    return;
  }
  if (m_phase == Phase::lingering) {
    m_lingered += static_cast<std::size_t>(size);
    if (m_lingered > linger_bytes) {
      close();
    }
    return;
  }
  m_progress = m_host.now();
  process({buffer.data(), static_cast<std::size_t>(size)});
}

void Connection::end_of_input() {
  if (m_phase != Phase::answering) {
    close();  // nothing was asked, or not all of it
    return;
  }
  m_input_over = true;
  m_close_after = true;
  m_stream->finish(cache::BodySource::State::lost);
  want_exactly();
}

/// Parses what was kept and what is new, and keeps the rest.
void Connection::process(std::string_view fresh) {
  m_parsing = true;
  if (m_in.empty()) {
    m_in.assign(parse(fresh));
  } else {
    m_in.append(fresh);
    std::string bytes = std::exchange(m_in, {});
    const std::string_view rest = parse(bytes);
    if (rest.size() == bytes.size()) {
      m_in = std::move(bytes);
    } else {
      m_in.assign(rest);
    }
  }
  m_parsing = false;
  want();
}

std::string_view Connection::parse(std::string_view bytes) {
  while (!bytes.empty() && wants_input() && m_phase != Phase::lingering) {
    if (!m_parser) {
      m_parser.emplace(m_host.limits().header_bytes);
    }
    const std::size_t taken = m_parser->feed(bytes);
    bytes.remove_prefix(taken);
    if (m_phase == Phase::idle && !m_parser->untouched()) {
      m_phase = Phase::head;
      m_began = m_host.now();
    }
    const RequestParser::State state = m_parser->state();
    after_feed(!bytes.empty());
    if (taken == 0 && state != RequestParser::State::complete) {
      break;
    }
  }
  return m_phase == Phase::lingering || m_phase == Phase::closed ? std::string_view() : bytes;
}

void Connection::after_feed(bool more_behind) {
  switch (m_parser->state()) {
    case RequestParser::State::head: return;
    case RequestParser::State::failed:
      if (m_phase == Phase::answering) {
        m_close_after = true;
        m_stream->finish(cache::BodySource::State::lost);
      } else {
        refuse(m_parser->refusal());
      }
      return;
    case RequestParser::State::body:
    case RequestParser::State::complete: break;
  }
  if (m_phase == Phase::answering) {
    pass_on();
    return;
  }
  if (m_parser->state() == RequestParser::State::complete) {
    dispatch(m_parser->take_body());
    return;
  }
  body_begins(more_behind);
}

/// The head is known and more of the body is to come.
void Connection::body_begins(bool more_behind) {
  const std::size_t limit = m_host.limits().buffered_body_bytes;
  if (m_phase == Phase::head) {
    m_phase = Phase::body;
    if (m_parser->expects_continue() && !more_behind && m_parser->body_bytes_held() == 0) {
      transmit(std::array<std::string_view, 3>{go_ahead, {}, {}});
    }
  }
  if (m_parser->request().content_length.value_or(0) > limit || m_parser->body_bytes_held() > limit) {
    dispatch_streamed();
  }
}

void Connection::dispatch(std::string body) {
  m_parser->request().body = std::move(body);
  hand_over();
}

void Connection::dispatch_streamed() {
  m_stream = std::make_shared<BodyStream>();
  m_stream->push(m_parser->take_body());
  m_stream->on_room([this] {
    m_progress = m_host.now();
    want();
    if (!m_in.empty() && !m_parsing) {
      m_host.resume_later(*this);
    }
  });
  m_parser->request().stream = m_stream;
  hand_over();
}

void Connection::hand_over() {
  m_keep_alive = m_parser->keep_alive();
  m_http_1_0 = m_parser->http_1_0();
  cache::IncomingRequest request = std::move(m_parser->request());
  if (input_complete()) {
    m_parser.reset();
  }
  m_is_head = request.method == "HEAD";
  m_begun = m_answered = m_head_only = m_stalled = false;
  m_phase = Phase::answering;
  m_counted = true;
  m_host.request_began();
  if (!m_sink || m_sink.use_count() > 1) {
    m_sink = std::make_shared<Sink>();
  }
  m_sink->attach(*this);
  m_host.handler().handle(std::move(request), m_sink);
}

/// Hands newly arrived body bytes to whoever reads the stream.
void Connection::pass_on() {
  const std::shared_ptr<BodyStream> stream = m_stream;
  if (m_parser->body_bytes_held() > 0) {
    stream->push(m_parser->take_body());
  }
  if (stream == m_stream && m_parser && m_parser->state() == RequestParser::State::complete) {
    stream->finish(cache::BodySource::State::end);
  }
}

/// Answers in the handler's place, and closes.
void Connection::refuse(const Refusal& refusal) {
  m_keep_alive = false;
  m_is_head = m_begun = m_answered = m_head_only = m_stalled = false;
  m_phase = Phase::answering;
  m_counted = true;
  m_host.request_began();
  send({refusal.status,
        {{"Content-Type", "application/json"}},
        std::make_shared<const std::string>(failure_json(refusal.code, refusal.message))});
}

}  // namespace ghoard::server
