#include "net/overlay/transport.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace ghoard::overlay {

namespace {

std::shared_ptr<const channel::Self> make_self(const TransportOptions& options,
                                               const std::shared_ptr<std::set<mesh::PeerId>>& denied) {
  auto self = std::make_shared<channel::Self>();
  self->identity = options.identity->id().key;
  self->sign = [identity = options.identity](channel::ByteView message, channel::Signature& signature) {
    signature = identity->sign(noise::text_of(message));
    return true;
  };
  self->static_key = std::make_shared<const noise::KeyPair>(noise::KeyPair::generate());
  self->software = options.software;
  self->admit = [denied](const channel::IdentityKey& key) { return !denied->contains(mesh::PeerId{key}); };
  return self;
}

std::shared_ptr<Shared> make_shared_part(boost::asio::io_context& loop, TransportOptions& options,
                                         const std::shared_ptr<std::set<mesh::PeerId>>& denied,
                                         const base::Clock& clock) {
  std::shared_ptr<const channel::Self> self = make_self(options, denied);
  KeyRing keys(self->static_key);
  keys.set(options.keys);
  return std::shared_ptr<Shared>(new Shared{loop, options.limits, clock,
                                            QuietLog(std::move(options.log), clock, options.limits.log_interval),
                                            std::move(self), std::move(keys)});
}

}  // namespace

Transport::Transport(boost::asio::io_context& loop, TransportOptions options, Tcp::acceptor acceptor,
                     TransportUser& user, const base::Clock& clock)
    : m_self(options.identity->id()),
      m_denied(std::make_shared<std::set<mesh::PeerId>>(std::move(options.denied))),
      m_user(user),
      m_shared(make_shared_part(loop, options, m_denied, clock)),
      m_listener(m_shared, *this, std::move(acceptor)),
      m_dialler(m_shared, *this),
      m_upkeep(loop) {}

Transport::~Transport() {
  stop();
}

void Transport::start() {
  m_listener.start();
  schedule_upkeep();
}

void Transport::stop() {
  if (std::exchange(m_stopped, true)) {
    return;
  }
  *m_alive = false;
  m_listener.stop();
  m_dialler.stop();
  m_upkeep.cancel();
  m_peers.clear();
  m_unwelcome.clear();
  for (const LinkPtr& link : all_links()) {
    link->abandon();
  }
}

std::vector<Transport::LinkPtr> Transport::all_links() const {
  std::vector<LinkPtr> result;
  for (Link* const link : m_shared->links) {
    if (LinkPtr locked = link->weak_from_this().lock()) {
      result.push_back(std::move(locked));
    }
  }
  return result;
}

// ---- mesh::Links --------------------------------------------------------------------------------

void Transport::send(const mesh::PeerId& to, mesh::Message message) {
  const auto found = m_peers.find(to);
  if (found == m_peers.end() || !found->second.current->is_open()) {
    return;
  }
  if (!found->second.current->send(mesh::encode(message), mesh::body_of(message)) && found->second.current->is_open()) {
    m_shared->log.say("message too large", "a message cannot be sent: " + std::string(mesh::name_of(message)));
    boost::asio::post(m_shared->loop, [this, alive = m_alive, to, message = std::move(message)] {
      if (*alive) {
        m_user.undelivered(to, message);
      }
    });
  }
}

void Transport::dial(const mesh::PeerId& to, std::vector<peer::Multiaddr> addresses) {
  if (m_stopped || is_linked(to)) {
    return;
  }
  if (m_dialler.is_full() && !m_dialler.is_dialling(to)) {
    boost::asio::post(m_shared->loop, [this, alive = m_alive, to] {
      if (*alive) {
        dial_over(to, mesh::LinkEnd::failed, true);
      }
    });
    return;
  }
  m_dialler.dial(to, std::move(addresses), Dialler::Purpose::connect);
}

void Transport::dial_back(const mesh::PeerId& to, std::vector<peer::Multiaddr> addresses) {
  if (!m_stopped && !m_dialler.is_full()) {
    m_dialler.dial(to, std::move(addresses), Dialler::Purpose::another);
  }
}

void Transport::close(const mesh::PeerId& to) {
  const auto node = m_peers.extract(to);
  if (!node) {
    return;
  }
  for (const LinkPtr& link : node.mapped().links) {
    link->forget_host();
    link->close(channel::CloseReason::unspecified);
  }
}

void Transport::wake() {
  if (m_stopped || std::exchange(m_tick_posted, true)) {
    return;
  }
  boost::asio::post(m_shared->loop, [this, alive = m_alive] {
    if (*alive) {
      m_tick_posted = false;
      m_user.tick();
    }
  });
}

// ---- connections that come up -------------------------------------------------------------------

void Transport::inbound(Tcp::socket socket, channel::Outcome outcome, const Tcp::endpoint& remote, KeyRing::Serial key,
                        std::uint64_t number, std::string unread) {
  const mesh::PeerId peer{outcome.peer};
  if (!m_shared->keys.index_of(key) || m_denied->contains(peer)) {
    reset(socket);  // withdrawn while the handshake was under way
    return;
  }
  LinkFacts facts{peer, true, remote, key, std::move(outcome.peer_software), m_shared->clock.mono(), number, {}};
  const auto link = std::make_shared<Link>(m_shared, static_cast<LinkHost&>(*this), std::move(socket), std::move(facts),
                                           outcome.role, std::move(outcome.transport));
  link->start({}, std::move(unread));
  adopt(link);
}

void Transport::outbound(Tcp::socket socket, channel::Outcome outcome, const Attempt& attempt, std::string unsent,
                         std::string unread) {
  const mesh::PeerId peer{outcome.peer};
  LinkFacts facts{peer,
                  false,
                  attempt.endpoint(),
                  attempt.key(),
                  std::move(outcome.peer_software),
                  m_shared->clock.mono(),
                  ++m_dialled,
                  attempt.address()};
  const auto link = std::make_shared<Link>(m_shared, static_cast<LinkHost&>(*this), std::move(socket), std::move(facts),
                                           outcome.role, std::move(outcome.transport));
  m_unwelcome[peer] = link;
  link->start(std::move(unsent), std::move(unread));
}

void Transport::outbound_late(const mesh::PeerId& peer) {
  if (const auto late = m_unwelcome.extract(peer)) {
    late.mapped()->abandon();
  }
}

void Transport::link_welcome(const LinkPtr& link) {
  const mesh::PeerId peer = link->facts().peer;
  m_unwelcome.erase(peer);
  if (!m_shared->keys.index_of(link->facts().key) || m_denied->contains(peer)) {
    link->abandon();
    m_dialler.not_welcomed(peer, mesh::LinkEnd::failed, "its key was withdrawn meanwhile");
    return;
  }
  m_dialler.welcomed(peer);
  adopt(link);
}

/// Takes a link in whose handshakes are both done, and chooses.
void Transport::adopt(const LinkPtr& link) {
  const mesh::PeerId id = link->facts().peer;
  if (const auto found = m_peers.find(id); found != m_peers.end() && !found->second.current->is_open()) {
    const LinkPtr ended = found->second.current;
    ended->settle();
  }
  if (!may_join(*link)) {
    m_shared->log.say("too many links", "no room for a link with " + id.text());
    link->abandon();
    if (!link->facts().inbound) {
      m_user.dial_failed(id, mesh::LinkEnd::failed);
    }
    return;
  }
  Peer& peer = m_peers[id];
  peer.links.push_back(link);
  if (!peer.current || is_better(*link, *peer.current)) {
    use(peer, link);
    trim(peer);
    up(link);
    return;
  }
  link->drain();
  trim(peer);
  if (link->facts().inbound) {
    up(link);
  }
}

bool Transport::may_join(const Link& link) const {
  return m_peers.size() < m_shared->limits.links || m_peers.contains(link.facts().peer);
}

bool Transport::is_better(const Link& link, const Link& current) const {
  const LinkFacts& facts = link.facts();
  if (facts.inbound == current.facts().inbound) {
    return facts.number > current.facts().number;
  }
  return facts.inbound == (facts.peer < m_self);
}

void Transport::use(Peer& peer, const LinkPtr& link) {
  const LinkPtr before = std::exchange(peer.current, link);
  link->undrain();
  if (before && before != link) {
    before->drain();
  }
}

/// A peer that connects again and again keeps no more than a few.
void Transport::trim(Peer& peer) {
  while (peer.links.size() > m_shared->limits.links_per_peer) {
    const auto oldest =
        std::find_if(peer.links.begin(), peer.links.end(), [&](const LinkPtr& link) { return link != peer.current; });
    const LinkPtr link = *oldest;
    peer.links.erase(oldest);
    link->abandon();
  }
}

void Transport::up(const LinkPtr& link) {
  m_user.link_up(link->facts().peer, link->facts().inbound, host_text(link->facts().remote));
}

// ---- what links say -----------------------------------------------------------------------------

void Transport::link_message(const LinkPtr& link, std::string payload, http::Body body) {
  base::Result<mesh::Message> message = mesh::decode(payload, std::move(body));
  if (!message) {
    m_shared->log.say("malformed message",
                      "a message of " + link->facts().peer.text() + " cannot be read: " + message.error().message);
    link->close(channel::CloseReason::protocol);
    return;
  }
  m_user.receive(link->facts().peer, *std::move(message));
}

void Transport::link_body_lost(const LinkPtr& link, std::string payload) {
  if (const auto message = mesh::decode(payload, std::make_shared<const std::string>()); message.has_value()) {
    m_user.body_lost(link->facts().peer, *message);
  }
}

/// The side that dialled both knows best which it uses.
void Transport::link_drained(const LinkPtr& link) {
  const auto found = m_peers.find(link->facts().peer);
  if (found == m_peers.end() || found->second.current != link || !link->facts().inbound) {
    return;
  }
  Peer& peer = found->second;
  const auto other = std::find_if(peer.links.begin(), peer.links.end(), [&](const LinkPtr& candidate) {
    return candidate != link && candidate->facts().inbound && candidate->is_open() && !candidate->peer_drained();
  });
  if (other != peer.links.end()) {
    use(peer, *other);
  }
}

void Transport::link_ended(const LinkPtr& link, mesh::LinkEnd end, std::string_view why) {
  const mesh::PeerId id = link->facts().peer;
  if (const auto unwelcome = m_unwelcome.find(id); unwelcome != m_unwelcome.end() && unwelcome->second == link) {
    m_unwelcome.erase(unwelcome);
    m_dialler.not_welcomed(id, end, why);
    return;
  }
  const auto found = m_peers.find(id);
  if (found == m_peers.end() || std::erase(found->second.links, link) == 0) {
    return;
  }
  Peer& peer = found->second;
  const bool was_used = peer.current == link;
  if (!was_used && link->is_complete()) {
    return;
  }
  m_shared->log.say("link ended: " + std::string(why), "the link with " + id.text() + " ended: " + std::string(why));
  LinkPtr next = peer.current;
  if (was_used) {
    const auto other = std::find_if(peer.links.rbegin(), peer.links.rend(),
                                    [](const LinkPtr& candidate) { return candidate->is_open(); });
    next = other == peer.links.rend() ? nullptr : *other;
  }
  if (!next) {
    for (const LinkPtr& rest : peer.links) {
      rest->forget_host();
    }
    m_peers.erase(found);
    m_user.link_down(id, end);
    return;
  }
  // What was on its way may be lost: whoever waits for an answer is to know.
  peer.current = nullptr;
  use(peer, next);
  m_user.link_down(id, end == mesh::LinkEnd::closed ? mesh::LinkEnd::failed : end);
  if (const auto still = m_peers.find(id); still != m_peers.end() && still->second.current == next) {
    up(next);
  }
}

void Transport::dial_over(const mesh::PeerId& peer, mesh::LinkEnd end, bool wanted) {
  if (wanted && !is_linked(peer)) {
    m_user.dial_failed(peer, end);
  }
}

bool Transport::is_linked(const mesh::PeerId& peer) const {
  const auto found = m_peers.find(peer);
  return found != m_peers.end() && found->second.current->is_open();
}

// ---- keys and age -------------------------------------------------------------------------------

void Transport::set_keys(std::span<const peer::NetworkKey> keys) {
  m_shared->keys.set(keys);
  for (const LinkPtr& link : all_links()) {
    if (!m_shared->keys.index_of(link->facts().key)) {
      link->close(channel::CloseReason::denied);
    }
  }
  upkeep();
}

void Transport::set_denied(std::set<mesh::PeerId> denied) {
  *m_denied = std::move(denied);
  for (const LinkPtr& link : all_links()) {
    if (m_denied->contains(link->facts().peer)) {
      link->close(channel::CloseReason::denied);
    }
  }
}

void Transport::schedule_upkeep() {
  m_upkeep.expires_after(m_shared->limits.upkeep);
  m_upkeep.async_wait([this, alive = m_alive](const boost::system::error_code& error) {
    if (!error && *alive) {
      upkeep();
      schedule_upkeep();
    }
  });
}

void Transport::upkeep() {
  const base::MonoTime now = m_shared->clock.mono();
  std::vector<LinkPtr> used;
  for (const auto& [id, peer] : m_peers) {
    used.push_back(peer.current);
  }
  for (const LinkPtr& link : used) {
    const base::Millis age = now - link->facts().since;
    if (age >= m_shared->limits.handshake_overdue) {
      link->close(channel::CloseReason::replaced);
    } else if (link->is_open() && !m_shared->keys.empty() &&
               (age >= m_shared->limits.handshake_again || link->facts().key != m_shared->keys.first_serial())) {
      renew(*link);
    }
  }
}

/// Only the side that dialled can: it knows a way that works, and both take the later one of its links.
void Transport::renew(const Link& link) {
  if (link.facts().address && !m_dialler.is_full()) {
    m_dialler.dial(link.facts().peer, {*link.facts().address}, Dialler::Purpose::another);
  }
}

std::vector<LinkFigures> Transport::figures() const {
  std::vector<LinkFigures> result;
  for (const auto& [id, peer] : m_peers) {
    const LinkFacts& facts = peer.current->facts();
    result.push_back({id, facts.inbound, text_of(facts.remote), facts.software, m_shared->keys.index_of(facts.key),
                      facts.since, peer.current->bytes_in(), peer.current->bytes_out()});
  }
  return result;
}

}  // namespace ghoard::overlay
