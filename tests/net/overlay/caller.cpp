#include "tests/net/overlay/caller.hpp"

#include <array>
#include <cerrno>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/loopback.hpp"

namespace ghoard::overlay::testing {

namespace {

void reset_and_close(int& socket) {
  if (socket >= 0) {
    const linger now{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(std::exchange(socket, -1));
  }
}

}  // namespace

Caller::Caller(std::uint16_t port) : m_socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_in address = ghoard::testing::loopback_address(port);
  // The listener's queue takes it at once.
  if (m_socket < 0 || ::connect(m_socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot connect to the station");
  }
}

Caller::~Caller() {
  if (m_socket >= 0) {
    ::close(m_socket);
  }
}

Caller::State Caller::look() {
  std::array<char, 65536> buffer;
  while (m_state == State::open) {
    const ssize_t size = ::recv(m_socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size > 0) {
      m_got.append(buffer.data(), static_cast<std::size_t>(size));
      continue;
    }
    if (size == 0) {
      m_state = State::ended;
    } else if (errno != EAGAIN && errno != EINTR) {
      m_state = State::reset;
    }
    break;
  }
  return m_state;
}

bool Caller::send(std::string_view bytes) {
  const ssize_t size = ::send(m_socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return size == static_cast<ssize_t>(bytes.size());
}

void Caller::end() {
  ::shutdown(m_socket, SHUT_WR);
}

void Caller::cut() {
  reset_and_close(m_socket);
}

HandPeer::HandPeer(std::uint16_t port, std::uint8_t seed, char key, std::optional<mesh::PeerId> wanted)
    : caller(port), m_identity(identity_of(seed)) {
  auto self = std::make_shared<channel::Self>();
  self->identity = m_identity->id().key;
  self->sign = [identity = m_identity](channel::ByteView message, channel::Signature& signature) {
    signature = identity->sign(noise::text_of(message));
    return true;
  };
  self->static_key = std::make_shared<const noise::KeyPair>(noise::KeyPair::generate());
  const peer::NetworkKey network = key_of(key);
  const noise::Secret psk = noise::Secret::copy_of(network.noise_psk.bytes().first<noise::Secret::size>());
  const auto target = wanted ? std::optional<channel::IdentityKey>(wanted->key) : std::nullopt;
  m_initiator = std::make_unique<channel::Initiator>(self, psk, target, m_clock.wall());
  m_first = m_initiator->take_output();
}

bool HandPeer::step() {
  caller.look();
  std::string bytes = caller.take();
  if (!m_channel && !bytes.empty()) {
    bytes.erase(0, m_initiator->receive(bytes));
    if (m_initiator->is_done()) {
      caller.send(m_initiator->take_output());
      channel::Outcome outcome = m_initiator->take_outcome();
      m_channel = std::make_unique<channel::Channel>(outcome.role, std::move(outcome.transport),
                                                     static_cast<channel::ChannelEvents&>(*this), m_budget);
    }
  }
  if (m_channel && !bytes.empty()) {
    static_cast<void>(m_channel->receive(bytes, m_clock.mono()));
  }
  flush();
  return is_up();
}

void HandPeer::flush() {
  if (m_channel) {
    std::string output;
    m_channel->next_output(output, std::size_t{64} << 10);
    caller.send(output);
  }
}

Trap::Trap() : m_listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  sockaddr_in address = ghoard::testing::loopback_address(0);
  socklen_t size = sizeof address;
  if (m_listener < 0 || ::bind(m_listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(m_listener, 16) != 0 || ::getsockname(m_listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("cannot listen");
  }
  m_port = ntohs(address.sin_port);
}

Trap::~Trap() {
  cut();
  ::close(m_listener);
}

std::string Trap::read_all(int socket) {
  std::string result;
  std::array<char, 4096> buffer;
  ssize_t size = 0;
  while ((size = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0) {
    result.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return result;
}

void Trap::look() {
  for (int socket = ::accept(m_listener, nullptr, nullptr); socket >= 0;
       socket = ::accept(m_listener, nullptr, nullptr)) {
    m_sockets.push_back(socket);
  }
  for (const int socket : m_sockets) {
    m_got += read_all(socket);
  }
}

void Trap::echo() {
  look();
  if (!m_got.empty()) {
    for (const int socket : m_sockets) {
      ::send(socket, m_got.data(), m_got.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    m_got.clear();
  }
}

void Trap::cut() {
  for (int& socket : m_sockets) {
    reset_and_close(socket);
  }
  m_sockets.clear();
}

}  // namespace ghoard::overlay::testing
