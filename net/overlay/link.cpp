#include "net/overlay/link.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <sys/socket.h>
#include <utility>

namespace ghoard::overlay {

namespace {

using Error = boost::system::error_code;

constexpr char welcome = 1;
constexpr char drained = 2;
/// After so many turns other connections have theirs.
constexpr int reads_per_turn = 4;
constexpr int writes_per_turn = 8;
constexpr int reads_per_farewell = 32;
constexpr std::size_t bytes_per_farewell = 8192;
constexpr std::size_t bytes_per_write = std::size_t{64} * 1024;

mesh::LinkEnd end_of(channel::CloseReason reason, bool by_peer) {
  if (by_peer) {
    return reason == channel::CloseReason::leaving ? mesh::LinkEnd::closed : mesh::LinkEnd::failed;
  }
  switch (reason) {
    case channel::CloseReason::truncated: return mesh::LinkEnd::reset;
    case channel::CloseReason::slow: return mesh::LinkEnd::silent;
    case channel::CloseReason::protocol:
    case channel::CloseReason::corrupted:
    case channel::CloseReason::unspecified:
    case channel::CloseReason::leaving:
    case channel::CloseReason::replaced:
    case channel::CloseReason::denied:
    case channel::CloseReason::exhausted: break;
  }
  return mesh::LinkEnd::failed;
}

bool would_block(const Error& error) {
  return error == boost::asio::error::would_block || error == boost::asio::error::try_again ||
         error == boost::asio::error::interrupted;
}

}  // namespace

Link::Link(std::shared_ptr<Shared> shared, LinkHost& host, Tcp::socket socket, LinkFacts facts, noise::Role role,
           noise::HandshakeState::Transport transport)
    : m_shared(std::move(shared)),
      m_host(&host),
      m_socket(std::move(socket)),
      m_facts(std::move(facts)),
      m_channel(role, std::move(transport), *this, m_shared->bodies),
      m_welcome_due(role == noise::Role::initiator) {
  m_shared->links.insert(this);
}

Link::~Link() {
  m_shared->links.erase(this);
}

void Link::start(std::string unsent, std::string unread) {
  m_unsent = std::move(unsent);
  if (m_facts.inbound) {
    m_channel.send({std::string(1, welcome), nullptr});
  }
  flush_soon();
  if (unread.empty()) {
    wait_readable();
    return;
  }
  boost::asio::post(m_shared->loop, [self = shared_from_this(), unread = std::move(unread)] {
    if (self->m_socket.is_open() && self->take(unread)) {
      self->wait_readable();
    }
  });
}

bool Link::send(std::string payload, http::Body body) {
  const bool accepted = m_channel.send({std::move(payload), std::move(body)}).has_value();
  flush_soon();
  return accepted;
}

void Link::close(channel::CloseReason reason) {
  m_channel.close(reason);
}

// ---- reading ------------------------------------------------------------------------------------

void Link::wait_readable() {
  m_socket.async_wait(Tcp::socket::wait_read, [self = shared_from_this()](const Error& error) {
    if (!error) {
      self->read();
    }
  });
}

void Link::read() {
  for (int turn = 0; turn < reads_per_turn; ++turn) {
    Error error;
    const std::size_t size = m_socket.read_some(boost::asio::buffer(m_shared->input), error);
    if (would_block(error)) {
      break;
    }
    if (error) {
      on_broken(error);
      return;
    }
    m_bytes_in += size;
    // What comes after the end is read and let go, so that our own good-bye is not lost in a reset.
    if (!m_channel.is_closed() && !take({m_shared->input.data(), size})) {
      return;
    }
    if (size < m_shared->input.size()) {
      break;
    }
  }
  if (m_socket.is_open()) {
    wait_readable();
  }
}

/// False if reading pauses or is over.
bool Link::take(std::string_view bytes) {
  const std::optional<base::MonoTime> pause = m_channel.receive(bytes, m_shared->clock.mono());
  if (!m_socket.is_open()) {
    return false;
  }
  if (m_channel.pending() > 0 || m_draining) {
    flush_soon();
  }
  if (pause && !m_channel.is_closed()) {
    pause_until(*pause);
    return false;
  }
  return true;
}

void Link::pause_until(base::MonoTime when) {
  m_pause = std::make_unique<boost::asio::steady_timer>(m_shared->loop);
  m_pause->expires_after(std::max(when - m_shared->clock.mono(), base::Millis{1}));
  m_pause->async_wait([self = shared_from_this()](const Error& error) {
    if (!error && self->m_socket.is_open()) {
      self->m_pause.reset();
      self->wait_readable();
    }
  });
}

void Link::on_broken(const Error& error) {
  if (!m_channel.is_closed()) {
    m_broken = error == boost::asio::error::eof || error == boost::asio::error::connection_reset ||
                       error == boost::asio::error::broken_pipe
                   ? mesh::LinkEnd::reset
                   : mesh::LinkEnd::silent;
    m_channel.end_of_input();
  }
  finish();
  vanish();
}

// ---- what the channel says ----------------------------------------------------------------------

bool Link::on_body(std::uint32_t stream, std::string_view payload, std::uint32_t) {
  if (m_welcome_due) {
    return false;
  }
  const base::MonoTime deadline = m_shared->clock.mono() + m_shared->limits.body_deadline;
  m_coming.emplace(stream, Coming{std::string(payload), deadline});
  watch_bodies();
  return true;
}

/// A peer that begins bodies and does not end them would keep their room from all others.
void Link::watch_bodies() {
  if (m_coming.empty() || m_body_watch != nullptr) {
    return;
  }
  const base::MonoTime first = m_coming.begin()->second.deadline;  // streams are numbered in their order
  m_body_watch = std::make_unique<boost::asio::steady_timer>(m_shared->loop,
                                                             std::max(first - m_shared->clock.mono(), base::Millis{1}));
  m_body_watch->async_wait([weak = weak_from_this()](const Error& error) {
    const std::shared_ptr<Link> self = weak.lock();
    if (error || !self) {
      return;
    }
    self->m_body_watch.reset();
    const base::MonoTime now = self->m_shared->clock.mono();
    while (!self->m_coming.empty() && self->m_coming.begin()->second.deadline <= now) {
      const std::uint32_t stream = self->m_coming.begin()->first;
      self->m_channel.cancel(stream);
      self->on_body_lost(stream, channel::CancelReason::unwanted);
    }
    self->watch_bodies();
    self->flush_soon();
  });
}

void Link::on_body_lost(std::uint32_t stream, channel::CancelReason) {
  if (auto coming = m_coming.extract(stream); !coming.empty() && m_host != nullptr) {
    m_host->link_body_lost(shared_from_this(), std::move(coming.mapped().payload));
  }
  m_shared->log.say("body lost", "a body from " + m_facts.peer.text() + " was lost");
}

void Link::on_cancelled(channel::MessageId, channel::CancelReason) {
  m_shared->log.say("body cancelled", m_facts.peer.text() + " had no room for a body");
}

void Link::on_message(std::uint32_t stream, channel::Message message) {
  m_coming.erase(stream);
  if (message.payload.size() == 1 && !message.body) {
    on_control(message.payload.front());
    return;
  }
  if (m_welcome_due) {
    m_channel.close(channel::CloseReason::protocol);
    return;
  }
  if (m_host != nullptr) {
    m_host->link_message(shared_from_this(), std::move(message.payload), std::move(message.body));
  }
}

void Link::on_control(char control) {
  if (control == welcome && m_welcome_due) {
    m_welcome_due = false;
    if (m_host != nullptr) {
      m_host->link_welcome(shared_from_this());
    }
  } else if (control == drained && !m_welcome_due && !m_peer_drained) {
    m_peer_drained = true;
    if (m_host != nullptr) {
      m_host->link_drained(shared_from_this());
    }
  } else {
    m_channel.close(channel::CloseReason::protocol);
  }
}

void Link::on_closed(channel::CloseReason reason, bool by_peer) {
  m_reason = reason;
  m_closed_by_peer = by_peer;
  finish_soon();
}

// ---- writing ------------------------------------------------------------------------------------

void Link::flush_soon() {
  if (m_flush_posted || m_writing) {
    return;
  }
  m_flush_posted = true;
  boost::asio::post(m_shared->loop, [self = shared_from_this()] {
    self->m_flush_posted = false;
    if (self->m_socket.is_open() && !self->m_shut) {
      self->flush();
    }
  });
}

void Link::wait_writable() {
  m_writing = true;
  m_socket.async_wait(Tcp::socket::wait_write, [self = shared_from_this()](const Error& error) {
    self->m_writing = false;
    if (!error && self->m_socket.is_open() && !self->m_shut) {
      self->flush();
    }
  });
}

void Link::flush() {
  for (int turn = 0; turn < writes_per_turn; ++turn) {
    std::size_t written = 0;
    if (!m_unsent.empty()) {
      const std::string_view rest = std::string_view(m_unsent).substr(m_sent);
      if (!write_some(rest, written)) {
        return;
      }
      m_sent += written;
      if (written < rest.size()) {
        wait_writable();
        return;
      }
      m_unsent = std::string();
      m_sent = 0;
    }
    std::string& output = m_shared->output;
    output.clear();
    m_channel.next_output(output, bytes_per_write);
    if (output.empty()) {
      flushed();
      return;
    }
    if (!write_some(output, written)) {
      return;
    }
    if (written < output.size()) {
      m_unsent = output.substr(written);
      wait_writable();
      return;
    }
  }
  flush_soon();
}

bool Link::write_some(std::string_view bytes, std::size_t& written) {
  Error error;
  written = m_socket.write_some(boost::asio::buffer(bytes), error);
  m_bytes_out += written;
  if (error && !would_block(error)) {
    // What the other side sent before it went is still worth reading: its good-bye may be there.
    if (m_channel.is_closed()) {
      vanish();
    } else {
      m_shut = true;
    }
    return false;
  }
  return true;
}

/// Nothing is left that could be sent now.
void Link::flushed() {
  if (m_channel.is_closed()) {
    linger();
  } else if (m_draining) {
    say_drained();
  }
}

// ---- the end ------------------------------------------------------------------------------------

void Link::drain() {
  if (m_draining || !is_open()) {
    return;
  }
  m_draining = true;
  m_deadline = std::make_unique<boost::asio::steady_timer>(m_shared->loop, m_shared->limits.drain);
  m_deadline->async_wait([weak = weak_from_this()](const Error& error) {
    const std::shared_ptr<Link> self = weak.lock();
    if (!error && self && self->m_draining) {
      self->close(channel::CloseReason::replaced);
    }
  });
  flush_soon();
}

void Link::undrain() {
  m_draining = false;
  m_said_drained = false;
  if (is_open()) {
    m_deadline.reset();
  }
}

void Link::say_drained() {
  if (!m_said_drained && m_channel.outgoing_body_bytes() == 0 && m_channel.pending() == 0) {
    m_said_drained = true;
    m_channel.send({std::string(1, drained), nullptr});
    flush_soon();
  }
  if (is_complete()) {
    close(channel::CloseReason::replaced);
  }
}

void Link::finish_soon() {
  boost::asio::post(m_shared->loop, [self = shared_from_this()] { self->finish(); });
}

/// Tells the host, once, and sends what remains to be said.
void Link::finish() {
  if (LinkHost* host = std::exchange(m_host, nullptr); host != nullptr) {
    const mesh::LinkEnd end = m_broken ? *m_broken : end_of(m_reason, m_closed_by_peer);
    host->link_ended(shared_from_this(), end, channel::name_of(m_reason));
  }
  if (!m_socket.is_open()) {
    return;
  }
  if (m_closed_by_peer || m_shut) {
    vanish();
    return;
  }
  if (!m_deadline || m_draining) {
    m_draining = false;
    m_deadline = std::make_unique<boost::asio::steady_timer>(m_shared->loop, m_shared->limits.linger);
    m_deadline->async_wait([self = shared_from_this()](const Error& error) {
      if (!error) {
        self->vanish();
      }
    });
  }
  flush_soon();
}

/// Our end is said; the socket stays until the other side's end comes, so that unread bytes make no reset of it.
void Link::linger() {
  if (!m_shut) {
    m_shut = true;
    Error ignored;
    m_socket.shutdown(Tcp::socket::shutdown_send, ignored);
    if (m_pause) {
      m_pause.reset();
      wait_readable();
    }
  }
}

void Link::vanish() {
  m_deadline.reset();
  m_pause.reset();
  if (!m_socket.is_open()) {
    return;
  }
  if (m_shut || m_closed_by_peer) {
    Error ignored;
    m_socket.close(ignored);
  } else {
    reset(m_socket);
  }
}

void Link::abandon() {
  m_host = nullptr;
  if (!m_socket.is_open()) {
    return;
  }
  m_channel.close(channel::CloseReason::leaving);
  if (!m_shut) {
    std::string rest = m_unsent.substr(m_sent);
    m_channel.next_output(rest, bytes_per_write);
    std::size_t written = 0;
    write_some(rest, written);
  }
  if (m_socket.is_open()) {
    Error ignored;
    m_socket.shutdown(Tcp::socket::shutdown_send, ignored);
    // Bytes that nobody read would turn our good-bye into a reset. Not into the shared buffer: another link may be at
    // it.
    std::array<char, bytes_per_farewell> rest;
    for (int turn = 0; turn < reads_per_farewell; ++turn) {
      m_socket.read_some(boost::asio::buffer(rest), ignored);
      if (ignored) {
        break;
      }
    }
    m_shut = true;
  }
  vanish();
}

}  // namespace ghoard::overlay
