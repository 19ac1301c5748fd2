#include "net/overlay/overlay.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <sodium.h>
#include <utility>

namespace ghoard::overlay {

namespace {

/// A late timer is late anyway; an early one would make the loop spin.
constexpr base::Millis shortest_wait{1};
constexpr base::Millis longest_wait = std::chrono::hours(1);

std::uint64_t random_number() {
  std::uint64_t value = 0;
  randombytes_buf(&value, sizeof value);
  return value;
}

mesh::NodeOptions node_options(OverlayOptions& options, const std::vector<peer::Multiaddr>& addresses,
                               std::uint16_t port, base::WallTime now) {
  mesh::NodeOptions result;
  mesh::MemberOptions& members = result.members;
  members.self.id = options.identity->id();
  // Above that of every earlier run, unless the clock went back; then peers tell us, and we go above theirs.
  members.self.sequence = static_cast<std::uint64_t>(std::max<std::int64_t>(now.time_since_epoch().count(), 1));
  for (peer::Multiaddr address : options.announce ? std::vector{*options.announce} : addresses) {
    if (members.self.addresses.size() < mesh::most_addresses) {
      address.peer.reset();
      members.self.addresses.push_back(std::move(address));
    }
  }
  members.software = options.software;
  members.incarnation = random_number();
  members.bootstrap = std::move(options.bootstrap);
  members.remembered = std::move(options.remembered);
  members.listen_port = port;
  members.announce_observed = !options.announce.has_value();
  result.only_token = options.only_token;
  return result;
}

TransportOptions transport_options(OverlayOptions& options) {
  return {options.identity,          std::move(options.keys), options.software.substr(0, 32),
          std::move(options.denied), std::move(options.log),  options.limits};
}

Tcp::endpoint bound_at(const Tcp::acceptor& acceptor) {
  boost::system::error_code ignored;
  return acceptor.local_endpoint(ignored);
}

}  // namespace

base::Result<std::unique_ptr<Overlay>> Overlay::create(boost::asio::io_context& loop, OverlayOptions options,
                                                       cache::PeerHost& host, const base::Clock& clock) {
  if (options.keys.empty() || !options.identity) {
    return base::fail(base::ErrorCode::invalid_input, "no network key or no identity");
  }
  base::Result<Tcp::acceptor> acceptor = open_listener(loop, options.listen);
  if (!acceptor) {
    return tl::unexpected(acceptor.error());
  }
  std::unique_ptr<Overlay> overlay(new Overlay(loop, std::move(options), *std::move(acceptor), host, clock));
  boost::asio::post(loop, [raw = overlay.get(), alive = overlay->m_alive] {
    if (*alive) {
      raw->m_transport.start();
      raw->m_node.start();
      raw->tick();
    }
  });
  return overlay;
}

Overlay::Overlay(boost::asio::io_context& loop, OverlayOptions options, Tcp::acceptor acceptor, cache::PeerHost& host,
                 const base::Clock& clock)
    : m_clock(clock),
      m_self(options.identity->id()),
      m_announce(options.announce),
      m_addresses(reachable_at(bound_at(acceptor))),
      m_transport(loop, transport_options(options), std::move(acceptor), *this, clock),
      m_node(node_options(options, m_addresses, m_transport.bound().port(), clock.wall()), m_transport, host, clock,
             random_number),
      m_timer(loop) {}

Overlay::~Overlay() {
  stop();
}

void Overlay::stop() {
  if (!std::exchange(m_stopped, true)) {
    *m_alive = false;
    m_timer.cancel();
    m_transport.stop();
  }
}

void Overlay::add_peer(peer::BootstrapPeer peer) {
  m_node.members().add(std::move(peer));
  m_transport.wake();
}

void Overlay::remove_peer(const mesh::PeerId& peer) {
  m_node.members().remove(peer);
  m_transport.wake();
}

std::vector<std::string> Overlay::listen_addresses() const {
  std::vector<std::string> result;
  const auto add = [&](peer::Multiaddr address) {
    address.peer = m_self;
    const std::string text = address.text();
    if (std::find(result.begin(), result.end(), text) == result.end()) {
      result.push_back(text);
    }
  };
  if (m_announce) {
    add(*m_announce);
  }
  std::for_each(m_addresses.begin(), m_addresses.end(), add);
  return result;
}

// ---- between links and node ---------------------------------------------------------------------

void Overlay::link_up(const mesh::PeerId& peer, bool inbound, const std::string& remote_host) {
  m_node.link_up(peer, inbound, remote_host);
  arm();
}

void Overlay::link_down(const mesh::PeerId& peer, mesh::LinkEnd end) {
  m_node.link_down(peer, end);
  arm();
}

void Overlay::dial_failed(const mesh::PeerId& peer, mesh::LinkEnd end) {
  m_node.dial_failed(peer, end);
  arm();
}

void Overlay::receive(const mesh::PeerId& from, mesh::Message message) {
  m_node.receive(from, std::move(message));
  arm();
}

void Overlay::body_lost(const mesh::PeerId& from, const mesh::Message& message) {
  m_node.body_lost(from, message);
  arm();
}

void Overlay::undelivered(const mesh::PeerId& to, const mesh::Message& message) {
  m_node.undelivered(to, message);
  arm();
}

void Overlay::tick() {
  m_node.tick();
  m_armed = base::MonoTime::max();
  arm();
}

/// One timer for everything that the node wants to do later.
void Overlay::arm() {
  const base::MonoTime due = m_node.next_deadline();
  if (m_stopped || due >= m_armed || due == base::MonoTime::max()) {
    return;
  }
  m_armed = due;
  m_timer.expires_after(std::clamp(due - m_clock.mono(), shortest_wait, longest_wait));
  m_timer.async_wait([this, alive = m_alive](const boost::system::error_code& error) {
    if (!error && *alive) {
      tick();
    }
  });
}

}  // namespace ghoard::overlay
