#include "tests/overlay_e2e/relay.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "tests/support/loopback.hpp"

namespace ghoard::testing {

namespace {

using Instant = std::chrono::steady_clock::time_point;

constexpr std::size_t piece_size = 64U << 10U;
constexpr std::size_t most_pieces = 64;  // on the way in one direction; then nothing more is read

int listen_at(std::uint16_t& port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = loopback_address(port);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 256) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    ::close(listener);
    return -1;
  }
  port = ntohs(address.sin_port);
  return listener;
}

void hurry(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void reset(int socket) {
  const linger at_once{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(socket);
}

}  // namespace

/// One direction of a connection.
struct Relay::Way {
  struct Piece {
    Instant due;
    std::string bytes;
  };
  int from = -1;
  int to = -1;
  std::deque<Piece> pieces;
  bool ended = false;    // nothing more comes
  bool closed = false;   // and the other side was told
  bool broken = false;   // both connections are to be reset
  std::size_t skip = 0;  // bytes left of the record that is passing
  std::optional<std::uint8_t> first_of_length;
};

struct Relay::Pair {
  Way there;
  Way back;
  ~Pair() {
    reset(there.from);
    reset(there.to);
  }
};

Relay::Relay(Weather weather) : m_weather(weather), m_thread([this] { run(); }) {}

Relay::~Relay() {
  m_stop = true;
  m_thread.join();
  for (const Port& port : m_ports) {
    ::close(port.listener);
  }
}

std::uint16_t Relay::open(std::uint16_t target, const std::string& within, std::uint16_t port) {
  Port opened{-1, port, target};
  // A thread may enter another network namespace by itself; what it opens there can be used from everywhere.
  std::thread([&] {
    if (!within.empty()) {
      const int space = ::open(within.c_str(), O_RDONLY | O_CLOEXEC);
      const bool entered = space >= 0 && ::setns(space, CLONE_NEWNET) == 0;
      ::close(space);
      if (!entered) {
        return;
      }
    }
    opened.listener = listen_at(opened.number);
  }).join();
  if (opened.listener < 0) {
    throw std::runtime_error("a relay cannot listen in " + within);
  }
  const std::lock_guard lock(m_mutex);
  m_ports.push_back(opened);
  return opened.number;
}

void Relay::aim(std::uint16_t port, std::uint16_t target) {
  const std::lock_guard lock(m_mutex);
  for (Port& opened : m_ports) {
    if (opened.number == port) {
      opened.target = target;
    }
  }
}

void Relay::strike_at(std::uint64_t count, std::function<void()> action) {
  const std::lock_guard lock(m_mutex);
  m_countdown = count;
  m_action = std::move(action);
}

void Relay::run() {
  while (!m_stop) {
    turn();
  }
  m_pairs.clear();
}

void Relay::turn() {
  std::vector<Port> ports;
  {
    const std::lock_guard lock(m_mutex);
    ports = m_ports;
  }
  const Instant now = std::chrono::steady_clock::now();
  std::vector<pollfd> wanted;
  Instant due = now + std::chrono::milliseconds(5);  // ports are added at any time
  for (const Port& port : ports) {
    wanted.push_back({port.listener, POLLIN, 0});
  }
  for (const auto& pair : m_pairs) {
    for (const Way* way : {&pair->there, &pair->back}) {
      if (!way->ended && way->pieces.size() < most_pieces) {
        wanted.push_back({way->from, POLLIN, 0});
      }
      if (!way->pieces.empty()) {
        if (way->pieces.front().due <= now) {
          wanted.push_back({way->to, POLLOUT, 0});
        } else {
          due = std::min(due, way->pieces.front().due);
        }
      }
    }
  }
  ::poll(wanted.data(), wanted.size(), static_cast<int>(std::chrono::ceil<base::Millis>(due - now).count()));
  for (const Port& port : ports) {
    accept(port);
  }
  const Instant then = std::chrono::steady_clock::now();
  for (const auto& pair : m_pairs) {
    for (Way* way : {&pair->there, &pair->back}) {
      read(*way, then);
      write(*way, then);
    }
  }
  m_pairs.remove_if([](const auto& pair) {
    return pair->there.broken || pair->back.broken || (pair->there.closed && pair->back.closed);
  });
}

void Relay::accept(const Port& port) {
  const int caller = ::accept4(port.listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (caller < 0) {
    return;
  }
  const int called = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback_address(port.target);
  if (port.target == 0 || ::connect(called, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(called);
    reset(caller);  // as a machine whose program is gone would
    return;
  }
  ::fcntl(called, F_SETFL, O_NONBLOCK);
  hurry(caller);
  hurry(called);
  auto pair = std::make_unique<Pair>();
  pair->there.from = pair->back.to = caller;
  pair->there.to = pair->back.from = called;
  m_pairs.push_back(std::move(pair));
}

void Relay::read(Way& way, Instant now) {
  if (way.ended || way.pieces.size() >= most_pieces) {
    return;
  }
  std::string bytes(piece_size, '\0');
  const ssize_t size = ::recv(way.from, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (size <= 0) {
    way.ended = true;
    way.broken = size < 0;  // a reset is passed on as one
    return;
  }
  bytes.resize(static_cast<std::size_t>(size));
  count_records(way, bytes);
  base::Millis delay = m_weather.delay;
  if (m_weather.lossy > 0 && m_random() % 100 < m_weather.lossy) {
    delay += m_weather.resend;
  }
  const Instant due = now + delay;
  way.pieces.push_back({way.pieces.empty() ? due : std::max(due, way.pieces.back().due), std::move(bytes)});
}

void Relay::write(Way& way, Instant now) {
  while (!way.broken && !way.pieces.empty() && way.pieces.front().due <= now) {
    std::string& bytes = way.pieces.front().bytes;
    const ssize_t size = ::send(way.to, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0) {
      way.broken = errno != EAGAIN && errno != EINTR;
      return;
    }
    bytes.erase(0, static_cast<std::size_t>(size));
    if (bytes.empty()) {
      way.pieces.pop_front();
    }
  }
  if (!way.broken && way.ended && way.pieces.empty() && !way.closed) {
    ::shutdown(way.to, SHUT_WR);
    way.closed = true;
  }
}

void Relay::count_records(Way& way, const std::string& bytes) {
  std::uint64_t begun = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    if (way.skip > 0) {
      const std::size_t passed = std::min(way.skip, bytes.size() - at);
      way.skip -= passed;
      at += passed;
    } else if (!way.first_of_length) {
      way.first_of_length = static_cast<std::uint8_t>(bytes[at++]);
    } else {
      way.skip = static_cast<std::size_t>(*std::exchange(way.first_of_length, std::nullopt)) << 8U |
                 static_cast<std::uint8_t>(bytes[at++]);
      ++begun;
    }
  }
  std::function<void()> action;
  {
    const std::lock_guard lock(m_mutex);
    if (m_action && begun >= m_countdown) {
      action = std::exchange(m_action, nullptr);
    } else if (m_action) {
      m_countdown -= begun;
    }
  }
  if (action) {
    action();
  }
}

}  // namespace ghoard::testing
