#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/mesh/node.hpp"
#include "core/peer/bootstrap.hpp"
#include "core/peer/identity.hpp"
#include "core/peer/network_key.hpp"
#include "net/overlay/transport.hpp"

namespace ghoard::overlay {

struct OverlayOptions {
  std::shared_ptr<const peer::Identity> identity;
  std::vector<peer::NetworkKey> keys;  ///< the first one sends
  ListenAt listen;
  std::optional<peer::Multiaddr> announce;  ///< instead of what is found out
  std::vector<peer::BootstrapPeer> bootstrap;
  std::vector<mesh::PeerRecord> remembered;
  std::optional<cache::Fingerprint> only_token;  ///< see mesh::NodeOptions
  std::string software;                          ///< "ghoard/1.2.3"
  std::set<mesh::PeerId> denied;
  QuietLog::Write log;  ///< whole lines, without an end of line
  Limits limits{};
};

/// This machine's place among its peers: a mesh::Node and the links that carry what it says. One thread, the loop's.
class Overlay final : private TransportUser {
 public:
  /// The listener is bound when it returns; all else begins in the background, so that nobody waits for peers. `loop`,
  /// `host` and `clock` outlive it; the engine's questions and leases do not. invalid_input: no key, no identity, or a
  /// listen address that is none; busy or system: nothing to listen on.
  static base::Result<std::unique_ptr<Overlay>> create(boost::asio::io_context& loop, OverlayOptions options,
                                                       cache::PeerHost& host, const base::Clock& clock);
  ~Overlay() override;
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  [[nodiscard]] cache::PeerNetwork& network() { return m_node; }
  [[nodiscard]] mesh::Node& node() { return m_node; }
  [[nodiscard]] const mesh::Node& node() const { return m_node; }

  /// Adds, switches and drops network keys without losing a message: see Transport::set_keys.
  void set_keys(const std::vector<peer::NetworkKey>& keys) { m_transport.set_keys(keys); }
  void set_denied(std::set<mesh::PeerId> denied) { m_transport.set_denied(std::move(denied)); }
  void add_peer(peer::BootstrapPeer peer);
  void remove_peer(const mesh::PeerId& peer);
  /// Says good-bye to every peer and closes everything. Questions under way are not answered any more.
  void stop();

  /// "/ip4/192.0.2.7/tcp/9100/p2p/12D3KooW...", the announced address first; never empty.
  [[nodiscard]] std::vector<std::string> listen_addresses() const;
  [[nodiscard]] std::vector<LinkFigures> links() const { return m_transport.figures(); }
  [[nodiscard]] const Transport& transport() const { return m_transport; }

 private:
  Overlay(boost::asio::io_context& loop, OverlayOptions options, Tcp::acceptor acceptor, cache::PeerHost& host,
          const base::Clock& clock);

  void link_up(const mesh::PeerId& peer, bool inbound, const std::string& remote_host) override;
  void link_down(const mesh::PeerId& peer, mesh::LinkEnd end) override;
  void dial_failed(const mesh::PeerId& peer, mesh::LinkEnd end) override;
  void receive(const mesh::PeerId& from, mesh::Message message) override;
  void body_lost(const mesh::PeerId& from, const mesh::Message& message) override;
  void undelivered(const mesh::PeerId& to, const mesh::Message& message) override;
  void tick() override;

  void arm();

  const base::Clock& m_clock;
  const mesh::PeerId m_self;
  const std::optional<peer::Multiaddr> m_announce;
  const std::vector<peer::Multiaddr> m_addresses;
  Transport m_transport;
  mesh::Node m_node;
  boost::asio::steady_timer m_timer;
  base::MonoTime m_armed = base::MonoTime::max();
  bool m_stopped = false;
  std::shared_ptr<bool> m_alive = std::make_shared<bool>(true);
};

}  // namespace ghoard::overlay
