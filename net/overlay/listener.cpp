#include "net/overlay/listener.hpp"

#include <boost/asio/error.hpp>
#include <cerrno>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace ghoard::overlay {

namespace {

using Error = boost::system::error_code;

constexpr int accepts_per_turn = 32;
/// After running out of descriptors or memory.
constexpr base::Millis rest_time{100};

std::size_t pick(std::size_t below) {
  return randombytes_uniform(static_cast<std::uint32_t>(below));
}

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

Tcp::endpoint bound_at(const Tcp::acceptor& acceptor) {
  Error ignored;
  return acceptor.local_endpoint(ignored);
}

}  // namespace

Listener::Listener(std::shared_ptr<Shared> shared, ListenerHost& host, Tcp::acceptor acceptor)
    : m_shared(std::move(shared)),
      m_host(host),
      m_acceptor(std::move(acceptor)),
      m_bound(bound_at(m_acceptor)),
      m_slots(m_shared->limits, pick),
      m_rest(m_shared->loop) {}

Listener::~Listener() {
  stop();
}

void Listener::start() {
  wait();
}

void Listener::stop() {
  Error ignored;
  *m_alive = false;
  m_acceptor.close(ignored);
  m_rest.cancel();
  for (const auto& [id, guest] : std::exchange(m_guests, {})) {
    m_slots.leave(id);
    guest->evict();
  }
}

void Listener::wait() {
  m_acceptor.async_wait(Tcp::acceptor::wait_read, [this, alive = m_alive](const Error& error) {
    if (!error && *alive) {
      accept_some();
    }
  });
}

void Listener::accept_some() {
  for (int i = 0; i < accepts_per_turn; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int accepted = ::accept4(m_acceptor.native_handle(), reinterpret_cast<sockaddr*>(&address), &size,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) {
      if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO) {
        continue;
      }
      if (is_shortage(errno)) {
        rest();
        return;
      }
      break;
    }
    Tcp::socket socket(m_shared->loop);
    Error error;
    socket.assign(m_bound.protocol(), accepted, error);
    if (error) {
      ::close(accepted);
      continue;
    }
    admit(std::move(socket));
  }
  wait();
}

/// Without descriptors the listener would spin: a stranger goes, and the others wait for a moment.
void Listener::rest() {
  m_shared->log.say("out of descriptors", "no descriptor is left for further peers");
  evict(m_slots.any_stranger());
  m_rest.expires_after(rest_time);
  m_rest.async_wait([this, alive = m_alive](const Error& error) {
    if (!error && *alive) {
      accept_some();
    }
  });
}

void Listener::admit(Tcp::socket socket) {
  Error error;
  const Tcp::endpoint remote = plain(socket.remote_endpoint(error));
  if (error) {
    return;  // it has gone already
  }
  prepare(socket);
  const Guest::Id id = ++m_last;
  evict(m_slots.enter(id));
  const auto guest = std::make_shared<Guest>(m_shared, static_cast<GuestHost&>(*this), id, std::move(socket), remote);
  m_guests.emplace(id, guest);
  guest->start();
}

void Listener::evict(std::optional<Guest::Id> id) {
  if (!id) {
    return;
  }
  m_slots.leave(*id);
  if (const auto found = m_guests.extract(*id)) {
    found.mapped()->evict();
  }
}

bool Listener::guest_proven(Guest& guest) {
  return m_slots.prove(guest.id(), group_of(guest.remote(), m_shared->limits.loopback_is_exempt));
}

void Listener::guest_failed(Guest& guest, std::string_view why) {
  m_shared->log.say(why, "a handshake from " + text_of(guest.remote()) + " failed: " + std::string(why));
  evict(m_slots.disprove(guest.id()));
}

void Listener::guest_done(const std::shared_ptr<Guest>& guest) {
  m_slots.leave(guest->id());
  m_guests.erase(guest->id());
  channel::Outcome outcome = guest->take_outcome();
  const KeyRing::Serial key = guest->serial(outcome.psk_index);
  m_host.inbound(guest->take_socket(), std::move(outcome), guest->remote(), key, guest->id(), guest->take_unread());
}

void Listener::guest_left(Guest& guest) {
  m_slots.leave(guest.id());
  m_guests.erase(guest.id());
}

}  // namespace ghoard::overlay
