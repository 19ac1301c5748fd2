#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/mesh/links.hpp"
#include "core/peer/identity.hpp"
#include "net/overlay/dialler.hpp"
#include "net/overlay/link.hpp"
#include "net/overlay/listener.hpp"

namespace ghoard::overlay {

/// Who hears of links and messages: a mesh::Node, in tests something simpler. Called from the loop, never from within a
/// call of Transport's.
class TransportUser {
 public:
  virtual ~TransportUser() = default;
  /// Also for a peer that is linked already: another connection took the place of its link, or it has shown that it can
  /// connect to this machine.
  virtual void link_up(const mesh::PeerId& peer, bool inbound, const std::string& remote_host) = 0;
  virtual void link_down(const mesh::PeerId& peer, mesh::LinkEnd end) = 0;
  virtual void dial_failed(const mesh::PeerId& peer, mesh::LinkEnd end) = 0;
  virtual void receive(const mesh::PeerId& from, mesh::Message message) = 0;
  /// A message came of which the body did not; it is empty here.
  virtual void body_lost(const mesh::PeerId& from, const mesh::Message& message) = 0;
  /// A message was not sent, since it is too long.
  virtual void undelivered(const mesh::PeerId& to, const mesh::Message& message) = 0;
  virtual void tick() = 0;
};

struct TransportOptions {
  std::shared_ptr<const peer::Identity> identity;
  std::vector<peer::NetworkKey> keys;  ///< the first one sends
  std::string software;                ///< at most 32 printable characters
  std::set<mesh::PeerId> denied;
  QuietLog::Write log;
  Limits limits{};
};

/// For `peers`.
struct LinkFigures {
  mesh::PeerId peer;
  bool inbound = false;
  std::string remote;  ///< "192.0.2.7:9100"
  std::string software;
  std::optional<std::size_t> key_index;  ///< nothing: its key was dropped, and it ends
  base::MonoTime since{};
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

/// Links over Noise and TCP. A peer has one link at a time that is used. When there are two connections, both sides
/// choose alike, once both handshakes are done: the one that the lower peer id dialled, or of two by the same side the
/// later one. The other one drains, then closes. One thread, the loop's.
class Transport final : public mesh::Links, private LinkHost, private ListenerHost, private DiallerHost {
 public:
  /// Does nothing before `start`. `clock` and `loop` outlive it and its loop's last turn.
  Transport(boost::asio::io_context& loop, TransportOptions options, Tcp::acceptor acceptor, TransportUser& user,
            const base::Clock& clock);
  ~Transport() override;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  void start();
  /// Says good-bye to all and closes everything; nothing is told any more.
  void stop();

  // ---- mesh::Links
  void send(const mesh::PeerId& to, mesh::Message message) override;
  void dial(const mesh::PeerId& to, std::vector<peer::Multiaddr> addresses) override;
  void dial_back(const mesh::PeerId& to, std::vector<peer::Multiaddr> addresses) override;
  void close(const mesh::PeerId& to) override;
  void wake() override;

  /// Links under a key that is gone end; those that this side dialled under a key that is not the first any more are
  /// made anew, and used until then.
  void set_keys(std::span<const peer::NetworkKey> keys);
  /// Links with those end, and no others come.
  void set_denied(std::set<mesh::PeerId> denied);

  [[nodiscard]] Tcp::endpoint bound() const { return m_listener.bound(); }
  [[nodiscard]] std::vector<LinkFigures> figures() const;
  [[nodiscard]] const HalfOpenSlots& half_open() const { return m_listener.slots(); }
  /// Connections of whatever state, those that only wait for their end included.
  [[nodiscard]] std::size_t links() const { return m_shared->links.size(); }

 private:
  using LinkPtr = std::shared_ptr<Link>;
  struct Peer {
    LinkPtr current;             ///< null only while the peer is being taken in or out
    std::vector<LinkPtr> links;  ///< current among them
  };

  void link_welcome(const LinkPtr& link) override;
  void link_message(const LinkPtr& link, std::string payload, http::Body body) override;
  void link_body_lost(const LinkPtr& link, std::string payload) override;
  void link_drained(const LinkPtr& link) override;
  void link_ended(const LinkPtr& link, mesh::LinkEnd end, std::string_view why) override;
  void inbound(Tcp::socket socket, channel::Outcome outcome, const Tcp::endpoint& remote, KeyRing::Serial key,
               std::uint64_t number, std::string unread) override;
  void outbound(Tcp::socket socket, channel::Outcome outcome, const Attempt& attempt, std::string unsent,
                std::string unread) override;
  void outbound_late(const mesh::PeerId& peer) override;
  void dial_over(const mesh::PeerId& peer, mesh::LinkEnd end, bool wanted) override;
  [[nodiscard]] bool is_linked(const mesh::PeerId& peer) const override;

  void adopt(const LinkPtr& link);
  [[nodiscard]] bool may_join(const Link& link) const;
  [[nodiscard]] bool is_better(const Link& link, const Link& current) const;
  void use(Peer& peer, const LinkPtr& link);
  void trim(Peer& peer);
  void up(const LinkPtr& link);
  void down(const mesh::PeerId& id, mesh::LinkEnd end);
  void schedule_upkeep();
  void upkeep();
  void renew(const Link& link);
  [[nodiscard]] std::vector<LinkPtr> all_links() const;

  const mesh::PeerId m_self;
  const std::shared_ptr<std::set<mesh::PeerId>> m_denied;
  TransportUser& m_user;
  const std::shared_ptr<Shared> m_shared;
  Listener m_listener;
  Dialler m_dialler;
  std::map<mesh::PeerId, Peer> m_peers;
  std::map<mesh::PeerId, LinkPtr> m_unwelcome;  ///< dialled, and not taken in yet
  boost::asio::steady_timer m_upkeep;
  std::uint64_t m_dialled = 0;
  bool m_tick_posted = false;
  bool m_stopped = false;
  std::shared_ptr<bool> m_alive = std::make_shared<bool>(true);
};

}  // namespace ghoard::overlay
