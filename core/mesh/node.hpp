#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/cache/peer_network.hpp"
#include "core/mesh/asker.hpp"
#include "core/mesh/flood.hpp"
#include "core/mesh/forwarder.hpp"
#include "core/mesh/holder.hpp"
#include "core/mesh/lease_table.hpp"
#include "core/mesh/members.hpp"

namespace ghoard::mesh {

struct NodeOptions {
  MemberOptions members;
  /// With a network key derived from a token, only that token's answers enter the overlay (design: Trust).
  std::optional<cache::Fingerprint> only_token;
};

/// What one peer was worth, for `peers`: values as answers and as results of its fetches.
struct PeerWorth {
  std::uint64_t values_sent = 0;
  std::uint64_t values_received = 0;
};

/// One machine in the overlay: membership, leases and invalidation, wired together (overlay.md sections 3 and 4). The
/// engine asks through cache::PeerNetwork; messages go through Links. sans-I/O: the same code runs over Noise and in
/// the simulator. One thread; every call may send messages, none calls the engine back except tick() and receive().
class Node final : public cache::PeerNetwork {
 public:
  /// All references must outlive the node, and the node every question and lease that it gives out.
  Node(NodeOptions options, Links& links, cache::PeerHost& host, const base::Clock& clock, Random random);
  ~Node() override;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // ---- from the links
  void start();
  void link_up(const PeerId& peer, bool inbound, const std::string& remote_address);
  void link_down(const PeerId& peer, LinkEnd end);
  void dial_failed(const PeerId& peer, LinkEnd end);
  void receive(const PeerId& from, Message message);
  /// A message came without the body that belongs to it: there was no room, or the peer gave up on it.
  void body_lost(const PeerId& from, const Message& message);
  /// A message could not be sent, since it is too long.
  void undelivered(const PeerId& to, const Message& message);
  void tick();
  /// When tick() is wanted next.
  [[nodiscard]] base::MonoTime next_deadline() const;

  // ---- from the engine
  [[nodiscard]] std::unique_ptr<Question> ask(cache::PeerQuestion question,
                                              std::function<void(cache::PeerAnswer)> answer) override;
  void announce(std::vector<cache::Change> changes, std::function<void()> acknowledged) override;

  // ---- for people
  [[nodiscard]] Members& members() { return m_members; }
  [[nodiscard]] const Members& members() const { return m_members; }
  [[nodiscard]] const LeaseCounters& lease_counters() const { return m_counters; }
  [[nodiscard]] const Flood& flood() const { return m_flood; }
  [[nodiscard]] PeerWorth worth(const PeerId& peer) const;
  [[nodiscard]] std::size_t open_questions() const { return m_asker.open(); }
  [[nodiscard]] std::size_t leases_held() const { return m_holder.leases(); }
  [[nodiscard]] std::size_t leases_given() const { return m_table.leases(); }

 private:
  class Host;
  class OpenQuestion;

  PeerWorth& worth_of(const PeerId& peer);
  LeaseParts parts();
  void post(const PeerId& to, Message message);
  void name_origin(Message& message);
  void deliver_own();
  void dispatch(const PeerId& from, Message& message);
  void on_get(const PeerId& from, const Get& get);
  template <class Answer>
  void on_answer(const PeerId& from, const Answer& answer);
  void lost(const PeerId& peer, bool dead);
  [[nodiscard]] bool may_share(const cache::Fingerprint& fingerprint) const {
    return !m_only_token.has_value() || *m_only_token == fingerprint;
  }

  const std::optional<cache::Fingerprint> m_only_token;
  Links& m_links;
  const base::Clock& m_clock;
  Random m_random;
  LeaseCounters m_counters;
  Timers m_timers;
  QuestionId m_last_question;  // begins anywhere: what an earlier run asked may still be answered
  std::unique_ptr<Host> m_host;
  Members m_members;
  Flood m_flood;
  LeaseTable m_table;
  Forwarder m_forwarder;
  Holder m_holder;
  Asker m_asker;
  std::deque<Message> m_own;  // what this node tells itself
  bool m_delivering = false;
  std::uint64_t m_view = 0;  ///< by which those who own what is held were last looked for
  std::map<PeerId, PeerWorth> m_worth;
  PeerWorth m_overflow;
};

}  // namespace ghoard::mesh
