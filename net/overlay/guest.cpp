#include "net/overlay/guest.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <utility>

namespace ghoard::overlay {

namespace {

using Error = boost::system::error_code;

bool would_block(const Error& error) {
  return error == boost::asio::error::would_block || error == boost::asio::error::try_again ||
         error == boost::asio::error::interrupted;
}

}  // namespace

Guest::Guest(std::shared_ptr<Shared> shared, GuestHost& host, Id id, Tcp::socket socket, const Tcp::endpoint& remote)
    : m_shared(std::move(shared)),
      m_host(&host),
      m_id(id),
      m_socket(std::move(socket)),
      m_remote(remote),
      m_keys(m_shared->keys.accepted()),
      m_responder(m_shared->self, std::shared_ptr<const channel::AcceptedKeys>(m_keys, &m_keys->keys),
                  m_shared->replays),
      m_deadline(m_shared->loop, m_shared->limits.handshake_deadline) {}

void Guest::start() {
  m_deadline.async_wait([weak = weak_from_this()](const Error& error) {
    const std::shared_ptr<Guest> self = weak.lock();
    if (!error && self && self->m_host != nullptr) {
      if (!self->m_failed) {
        self->m_shared->log.say("handshake deadline", "a handshake from " + text_of(self->m_remote) + " took too long");
      }
      self->leave();
    }
  });
  wait_readable();
}

void Guest::wait_readable() {
  m_socket.async_wait(Tcp::socket::wait_read, [self = shared_from_this()](const Error& error) {
    if (!error && self->m_host != nullptr) {
      self->read();
    }
  });
}

/// One reading per turn: nothing that a stranger sends is urgent.
void Guest::read() {
  Error error;
  const std::size_t size = m_socket.read_some(boost::asio::buffer(m_shared->input), error);
  if (error && !would_block(error)) {
    leave();
    return;
  }
  if (size > 0 && !m_failed) {
    take({m_shared->input.data(), size});
  }
  if (m_host != nullptr) {
    wait_readable();
  }
}

void Guest::take(std::string_view bytes) {
  const std::size_t used = m_responder.receive(bytes, m_shared->clock.wall(), m_host->under_load());
  if (m_responder.failure() != channel::Failure::none) {
    fail(channel::name_of(m_responder.failure()));
    return;
  }
  if (m_responder.is_proven() && !m_proven) {
    m_proven = m_host->guest_proven(*this);
    if (!m_proven) {
      fail("no free slot");
      return;
    }
  }
  if (m_responder.has_output()) {
    m_unsent += m_responder.take_output();
    write();
  }
  if (m_responder.is_done() && m_host != nullptr) {
    m_unread = bytes.substr(used);
    m_deadline.cancel();
    std::exchange(m_host, nullptr)->guest_done(shared_from_this());
  }
}

void Guest::fail(std::string_view why) {
  m_failed = true;
  m_unsent.clear();
  m_host->guest_failed(*this, why);
}

void Guest::write() {
  if (m_writing || m_unsent.empty()) {
    return;
  }
  Error error;
  m_unsent.erase(0, m_socket.write_some(boost::asio::buffer(m_unsent), error));
  if (error && !would_block(error)) {
    leave();
    return;
  }
  if (!m_unsent.empty()) {
    m_writing = true;
    m_socket.async_wait(Tcp::socket::wait_write, [self = shared_from_this()](const Error& failed) {
      self->m_writing = false;
      if (!failed && self->m_host != nullptr) {
        self->write();
      }
    });
  }
}

Tcp::socket Guest::take_socket() {
  return std::move(m_socket);
}

void Guest::evict() {
  m_host = nullptr;
  m_deadline.cancel();
  reset(m_socket);
}

void Guest::leave() {
  if (GuestHost* host = std::exchange(m_host, nullptr); host != nullptr) {
    m_deadline.cancel();
    reset(m_socket);
    host->guest_left(*this);
  }
}

}  // namespace ghoard::overlay
