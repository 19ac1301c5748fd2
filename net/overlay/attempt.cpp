#include "net/overlay/attempt.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <utility>

namespace ghoard::overlay {

namespace {

using Error = boost::system::error_code;
using mesh::LinkEnd;

LinkEnd end_of(const Error& error) {
  if (error == boost::asio::error::connection_refused) {
    return LinkEnd::refused;
  }
  return error == boost::asio::error::timed_out ? LinkEnd::silent : LinkEnd::failed;
}

/// Of several addresses the one that leaves most hope: that a process is gone is certain only if all refuse.
LinkEnd worse(std::optional<LinkEnd> before, LinkEnd now) {
  if (!before) {
    return now;
  }
  const auto hope = [](LinkEnd end) {
    switch (end) {
      case LinkEnd::silent: return 2;
      case LinkEnd::refused: return 0;
      case LinkEnd::closed:
      case LinkEnd::reset:
      case LinkEnd::failed: break;
    }
    return 1;
  };
  return hope(now) > hope(*before) ? now : *before;
}

}  // namespace

Attempt::Attempt(std::shared_ptr<Shared> shared, AttemptHost& host, Names& names, const mesh::PeerId& peer,
                 std::vector<peer::Multiaddr> addresses)
    : m_shared(std::move(shared)),
      m_host(&host),
      m_names(names),
      m_peer(peer),
      m_addresses(std::move(addresses)),
      m_timer(m_shared->loop) {}

void Attempt::start() {
  m_deadline = m_shared->clock.mono() + m_shared->limits.dial_deadline;
  boost::asio::post(m_shared->loop, [self = shared_from_this()] {
    if (self->m_host != nullptr) {
      self->next_address();
    }
  });
}

void Attempt::abandon() {
  m_host = nullptr;
  ++m_turn;
  m_timer.cancel();
  close_socket();
}

void Attempt::close_socket() {
  if (m_socket && m_socket->is_open()) {
    reset(*m_socket);
  }
  m_socket.reset();
  m_initiator.reset();
}

void Attempt::next_address() {
  ++m_turn;
  m_done = false;
  close_socket();
  const base::Millis left = m_deadline - m_shared->clock.mono();
  if (m_next == m_addresses.size() || left <= base::Millis{0} || m_shared->keys.empty()) {
    give_up();
    return;
  }
  // An address that swallows everything leaves time for the others.
  m_timer.expires_after(left / static_cast<int>(m_addresses.size() - m_next));
  m_timer.async_wait([self = shared_from_this(), turn = m_turn](const Error& error) {
    if (!error && turn == self->m_turn) {
      self->late();
    }
  });
  const peer::Multiaddr& address = m_addresses[m_next++];
  m_endpoints.clear();
  if (const std::optional<Tcp::endpoint> endpoint = literal(address)) {
    m_endpoints.push_back(*endpoint);
    next_endpoint();
    return;
  }
  m_names.find(address, [self = shared_from_this(), turn = m_turn](std::vector<Tcp::endpoint> found) {
    if (turn == self->m_turn) {
      self->m_endpoints.assign(found.begin(), found.end());
      self->m_end = found.empty() ? worse(self->m_end, LinkEnd::failed) : self->m_end;
      self->next_endpoint();
    }
  });
}

void Attempt::next_endpoint() {
  if (m_endpoints.empty()) {
    next_address();
    return;
  }
  m_endpoint = plain(m_endpoints.front());
  m_endpoints.pop_front();
  close_socket();
  m_socket.emplace(m_shared->loop);
  Error cannot;
  m_socket->open(m_endpoint.protocol(), cannot);
  if (cannot || ::fcntl(m_socket->native_handle(), F_SETFD, FD_CLOEXEC) != 0) {
    failed(LinkEnd::failed, cannot ? cannot.message() : "no socket");
    return;
  }
  m_socket->async_connect(m_endpoint, [self = shared_from_this(), turn = m_turn](const Error& error) {
    if (turn != self->m_turn || !self->m_socket) {
      return;
    }
    if (error) {
      self->failed(end_of(error), error.message());
    } else {
      self->connected();
    }
  });
}

void Attempt::connected() {
  if (m_shared->keys.empty()) {
    give_up();
    return;
  }
  prepare(*m_socket);
  m_key = m_shared->keys.first_serial();
  m_initiator =
      std::make_unique<channel::Initiator>(m_shared->self, m_shared->keys.first(), m_peer.key, m_shared->clock.wall());
  const std::string message = m_initiator->take_output();
  Error error;
  // A socket that just came up takes 128 bytes.
  if (m_socket->write_some(boost::asio::buffer(message), error) != message.size()) {
    failed(LinkEnd::failed, error ? error.message() : "it does not take a handshake");
    return;
  }
  wait_readable();
}

void Attempt::wait_readable() {
  m_socket->async_wait(Tcp::socket::wait_read, [self = shared_from_this(), turn = m_turn](const Error& error) {
    if (!error && turn == self->m_turn && !self->m_done) {
      self->read();
    }
  });
}

void Attempt::read() {
  Error error;
  const std::size_t size = m_socket->read_some(boost::asio::buffer(m_shared->input), error);
  if (error == boost::asio::error::would_block || error == boost::asio::error::try_again ||
      error == boost::asio::error::interrupted) {
    wait_readable();
    return;
  }
  if (error) {
    // Who listens there has another network key, or none, or is no agent: it never says which.
    failed(LinkEnd::failed, "it ended the handshake; is its network key the same?");
    return;
  }
  const std::size_t used = m_initiator->receive({m_shared->input.data(), size});
  if (m_initiator->failure() != channel::Failure::none) {
    failed(LinkEnd::failed, channel::name_of(m_initiator->failure()));
    return;
  }
  if (!m_initiator->is_done()) {
    wait_readable();
    return;
  }
  m_done = true;
  m_unread.assign(m_shared->input.data() + used, size - used);
  m_host->attempt_done(shared_from_this());
}

void Attempt::failed(LinkEnd end, std::string_view why) {
  m_end = worse(m_end, end);
  m_shared->log.say("dial: " + std::string(mesh::LinkEnd::refused == end ? "refused" : "failed"),
                    "cannot connect to " + m_peer.text() + " at " + text_of(m_endpoint) + ": " + std::string(why));
  next_endpoint();
}

void Attempt::late() {
  m_end = worse(m_end, LinkEnd::silent);
  m_shared->log.say("dial: silent", "no answer of " + m_peer.text() + " at " + address().text());
  if (m_done) {
    m_host->attempt_late(shared_from_this());
  }
  next_address();
}

void Attempt::go_on(LinkEnd end, std::string_view why) {
  if (m_host != nullptr && m_done) {
    m_done = false;
    ++m_turn;
    m_end = worse(m_end, end == LinkEnd::refused ? LinkEnd::failed : end);
    m_shared->log.say("dial: no welcome",
                      m_peer.text() + " at " + text_of(m_endpoint) + " did not take us in: " + std::string(why));
    next_address();
  }
}

void Attempt::give_up() {
  AttemptHost* const host = std::exchange(m_host, nullptr);
  ++m_turn;
  m_timer.cancel();
  close_socket();
  host->attempt_failed(shared_from_this(), m_end.value_or(LinkEnd::failed));
}

}  // namespace ghoard::overlay
