#include "net/server/connection.hpp"

#include <sys/epoll.h>
#include <utility>

#include "net/server/connection_sink.hpp"

namespace ghoard::server {

namespace {

constexpr base::Millis linger_deadline{2'000};

}  // namespace

Connection::Connection(ConnectionHost& host, Descriptor socket, std::uint64_t key)
    : m_host(host), m_socket(std::move(socket)), m_key(key), m_armed(EPOLLIN), m_progress(host.now()) {}

Connection::~Connection() = default;

void Connection::on_events(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0 && !m_out.empty()) {
    flush();
  }
  if (m_phase == Phase::closed) {
    return;
  }
  if ((events & EPOLLIN) != 0 && wants_input()) {
    read_some();  // a hang-up shows as end of file behind whatever was sent before it
    return;
  }
  // On a Unix socket EPOLLHUP means that the peer closed; one that only stopped sending gives EPOLLIN alone.
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    close();
    return;
  }
  want_exactly();
}

void Connection::resume() {
  if (m_phase == Phase::closed) {
    return;
  }
  if (m_broken) {
    close();
    return;
  }
  if (m_phase == Phase::lingering && m_stream) {
    end_request(false);
  }
  if (!m_in.empty() && wants_input()) {
    process({});
  }
}

void Connection::sweep(base::MonoTime now) {
  if (dropped_by_handler()) {
    send({500,
          {{"Content-Type", "application/json"}},
          std::make_shared<const std::string>(failure_json("internal", "the request was dropped"))});
    return;
  }
  if (!overdue(now)) {
    return;
  }
  if ((m_phase == Phase::head || m_phase == Phase::body) && m_out.empty()) {
    refuse({408, "timeout", "the request did not arrive in time"});
    return;
  }
  close();
}

bool Connection::dropped_by_handler() const {
  return m_phase == Phase::answering && !m_begun && !m_answered && m_sink.use_count() == 1;
}

bool Connection::overdue(base::MonoTime now) const {
  const Limits& limits = m_host.limits();
  const base::Millis quiet = now - m_progress;
  switch (m_phase) {
    case Phase::idle: return quiet > limits.idle_deadline;
    case Phase::head: return now - m_began > limits.header_deadline;
    case Phase::body: return quiet > limits.body_deadline || now - m_began > limits.total_deadline;
    case Phase::answering:
      return now - m_began > limits.total_deadline ||
             (quiet > limits.body_deadline && (!m_out.empty() || wants_input()));
    case Phase::lingering: return quiet > linger_deadline;
    case Phase::closed: return false;
  }
  return false;
}

void Connection::close_if_idle() {
  if (m_phase == Phase::idle) {
    read_some();
  }
  if (m_phase == Phase::idle) {
    close();
  }
}

void Connection::close() {
  if (m_phase == Phase::closed) {
    return;
  }
  m_phase = Phase::closed;
  m_out.clear();
  m_socket.reset();
  m_host.closed(*this);
  end_request(true);
}

void Connection::abandon() {
  m_phase = Phase::closed;
  m_socket.reset();
  if (m_sink) {
    m_sink->detach(!m_answered);
  }
  if (m_stream) {
    m_stream->on_room(nullptr);
  }
}

/// Lets go of the request's sink and stream. Calls into the handler: never from within a call of the handler's.
void Connection::end_request(bool tell) {
  if (std::exchange(m_counted, false)) {
    m_host.request_ended();
  }
  const bool client_left = tell && !m_answered;
  const std::function<void()> on_gone = m_sink ? m_sink->detach(client_left) : nullptr;
  if (const std::shared_ptr<BodyStream> stream = std::exchange(m_stream, nullptr); stream) {
    stream->on_room(nullptr);
    stream->finish(cache::BodySource::State::lost);  // nothing if it had ended
  }
  if (client_left && on_gone) {
    on_gone();
  }
}

std::uint32_t Connection::wanted_events() const {
  return (wants_input() ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
         (m_out.empty() ? 0U : static_cast<std::uint32_t>(EPOLLOUT));
}

void Connection::want_exactly() {
  const std::uint32_t wanted = wanted_events();
  if (m_phase != Phase::closed && wanted != m_armed) {
    m_armed = wanted;
    m_host.watch(*this, wanted);
  }
}

/// Adds what is missing; what is too much is taken away when it shows, which it mostly never does.
void Connection::want() {
  if ((wanted_events() & ~m_armed) != 0) {
    want_exactly();
  }
}

}  // namespace ghoard::server
