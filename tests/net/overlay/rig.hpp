#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/agent/system_clock.hpp"
#include "net/overlay/transport.hpp"

namespace ghoard::overlay::testing {

using agent::SystemClock;

/// Turns the loop until the condition holds; false if 20 s were not enough.
template <class Condition>
[[nodiscard]] bool run_until(boost::asio::io_context& loop, Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) {
      return false;
    }
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(5));
  }
  return true;
}

/// A network key of a letter.
peer::NetworkKey key_of(char letter);
std::vector<peer::NetworkKey> keys_of(const std::string& letters);
std::shared_ptr<const peer::Identity> identity_of(std::uint8_t seed);
peer::Multiaddr loopback(std::uint16_t port);
/// Descriptors of this process.
std::size_t open_descriptors();

/// What a user was told.
struct Told {
  std::size_t ups = 0;
  std::size_t inbound_ups = 0;
  std::vector<mesh::LinkEnd> downs;
  std::vector<mesh::LinkEnd> dials_failed;
  std::vector<mesh::Message> messages;
  std::vector<mesh::Message> undelivered;
  std::vector<mesh::Message> lost;
  bool linked = false;
};

/// A Transport on loopback with a user that writes down what it is told.
class Station final : private TransportUser {
 public:
  struct Setup {
    std::uint8_t seed = 1;
    std::string keys = "a";
    Limits limits{};
    std::set<mesh::PeerId> denied{};
    const base::Clock* clock = nullptr;
  };
  Station(boost::asio::io_context& loop, Setup setup);
  ~Station() override;

  [[nodiscard]] const mesh::PeerId& id() const { return m_identity->id(); }
  [[nodiscard]] std::uint16_t port() const { return m_transport->bound().port(); }
  [[nodiscard]] peer::Multiaddr address() const { return loopback(port()); }
  Transport& transport() { return *m_transport; }
  Told& told(const mesh::PeerId& peer) { return m_told[peer]; }
  Told& told(const Station& peer) { return m_told[peer.id()]; }
  [[nodiscard]] bool is_linked(const Station& peer) { return told(peer).linked; }
  void dial(const Station& peer) { m_transport->dial(peer.id(), {peer.address()}); }
  void send(const Station& to, mesh::Message message) { m_transport->send(to.id(), std::move(message)); }
  /// Numbers of the pings that came from `peer`.
  [[nodiscard]] std::vector<std::uint32_t> pings(const Station& peer);
  /// Bodies of the values that came from `peer`.
  [[nodiscard]] std::vector<http::Body> bodies(const Station& peer);
  [[nodiscard]] const std::vector<std::string>& lines() const { return m_lines; }
  [[nodiscard]] std::size_t ticks() const { return m_ticks; }
  /// Says good-bye and is no more.
  void end() { m_transport.reset(); }
  /// Told things that no user may be told: a second end without a beginning, a message without a link.
  [[nodiscard]] bool was_misled() const { return m_misled; }

 private:
  void link_up(const mesh::PeerId& peer, bool inbound, const std::string& remote_host) override;
  void link_down(const mesh::PeerId& peer, mesh::LinkEnd end) override;
  void dial_failed(const mesh::PeerId& peer, mesh::LinkEnd end) override;
  void receive(const mesh::PeerId& from, mesh::Message message) override;
  void body_lost(const mesh::PeerId& from, const mesh::Message& message) override {
    m_told[from].lost.push_back(message);
  }
  void undelivered(const mesh::PeerId& to, const mesh::Message& message) override {
    m_told[to].undelivered.push_back(message);
  }
  void tick() override { ++m_ticks; }

  SystemClock m_system_clock;
  std::shared_ptr<const peer::Identity> m_identity;
  std::map<mesh::PeerId, Told> m_told;
  std::vector<std::string> m_lines;
  std::size_t m_ticks = 0;
  bool m_misled = false;
  std::unique_ptr<Transport> m_transport;
};

mesh::Message value_with(std::size_t body_bytes, char fill = 'x');

}  // namespace ghoard::overlay::testing
