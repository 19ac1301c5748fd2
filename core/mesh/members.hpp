#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/time.hpp"
#include "core/mesh/lateness.hpp"
#include "core/mesh/links.hpp"
#include "core/mesh/member.hpp"
#include "core/mesh/observed_addresses.hpp"
#include "core/peer/bootstrap.hpp"

namespace ghoard::mesh {

struct MemberOptions {
  PeerRecord self;       ///< addresses to announce; `reachable` false, `sequence` a start value
  std::string software;  ///< for Hello
  std::uint64_t incarnation = 0;
  std::vector<peer::BootstrapPeer> bootstrap;
  std::vector<PeerRecord> remembered;  ///< of an earlier run
  std::uint16_t listen_port = 0;       ///< for addresses that others observe; 0: not listening
  bool announce_observed = true;       ///< false when the announce address was set
};

enum class MemberState { known, linked, suspect, dead };

/// A line of `ghoard peers`.
struct MemberInfo {
  PeerRecord record;
  MemberState state = MemberState::known;
  bool eligible = false;
  std::optional<base::Millis> round_trip;  ///< smoothed
  base::MonoTime last_heard{};
  std::string software;
  std::string last_failure;  ///< of the last dial, in words; empty after success
};

/// Full membership (overlay.md section 3): who is there, who may own keys, who has gone. sans-I/O: told of links and
/// messages, acts through Links. One thread.
///
/// Liveness: each live peer is watched by the up to six peers that rank highest for it by rendezvous hashing among
/// those not suspected; watchers ping once a second, and anything received counts as life. A reset link is confirmed by
/// one dial within 0.5 s; three seconds of silence make a suspect; a peer is dead when min(2, other live peers)
/// watchers say so. It refutes by a record with a higher sequence. Dead peers are dialled for ever, one at random per
/// 30 s, and forgotten after 7 days. Timeouts stretch with the lateness of this process's own timers (Lifeguard,
/// section 4 of Dadgar et al., 2018).
class Members {
 public:
  Members(MemberOptions options, Links& links, const base::Clock& clock, Random random);

  // ---- told from outside
  void start();
  /// Also for a peer that is linked already: the link was replaced, or a dial-back proved something.
  void link_up(const PeerId& peer, bool inbound, const std::string& remote_address);
  void link_down(const PeerId& peer, LinkEnd end);
  void dial_failed(const PeerId& peer, LinkEnd end);
  /// Something arrived, whatever it was.
  void heard(const PeerId& peer);
  void receive(const PeerId& from, const Hello& hello);
  void receive(const PeerId& from, const Records& records);
  void receive(const PeerId& from, const View& view);
  void receive(const PeerId& from, const Ping& ping);
  void receive(const PeerId& from, const Pong& pong);
  void receive(const PeerId& from, const Suspect& suspect);
  void receive(const PeerId& from, const DialBack& wish);
  void tick();
  /// Any call may bring it closer. A tick that comes later than this counts as this process's own slowness.
  [[nodiscard]] base::MonoTime next_deadline() const;
  /// `peers add`: another peer to dial for as long as this process lives.
  void add(peer::BootstrapPeer peer);
  void remove(const PeerId& peer);
  /// A record that was found where peers publish them, and not told by a linked one: it makes nobody live and no owner.
  /// Whoever is not linked is dialled, reachable or not: in a young network nobody knows that yet.
  void discover(const PeerRecord& record);

  // ---- asked by the leases and the flood
  [[nodiscard]] const PeerId& self() const;
  [[nodiscard]] bool is_linked(const PeerId& peer) const;
  [[nodiscard]] std::vector<PeerId> linked() const;
  /// Live and reachable peers, self included if it is one, by rendezvous rank for the slot; at most `count`.
  [[nodiscard]] std::vector<PeerId> owners(const SlotKey& slot, std::size_t count) const;
  /// It did not answer in time: it is passed over until it answers a ping, which is sent at once.
  void missed_budget(const PeerId& peer);
  [[nodiscard]] bool is_passed_over(const PeerId& peer) const;
  /// Smoothed round trip; 1 ms while it is not known.
  [[nodiscard]] base::Millis round_trip(const PeerId& peer) const;
  /// While somebody waits for an answer of that peer it is pinged once a second, and link_down(silent) is reported
  /// through on_lost when three seconds bring nothing. Calls nest.
  void watch_closely(const PeerId& peer, bool watch);
  /// ≥1: how much this process's own lateness stretches every budget.
  [[nodiscard]] double stretch() const;
  /// `time`, stretched by that.
  [[nodiscard]] base::Millis stretched(base::Millis time) const;
  [[nodiscard]] std::uint64_t view_digest() const;
  /// Just started, and nobody is known yet who may own keys: it may be worth waiting a moment for the first link, lest
  /// the question that starts an agent never profit from its peers. Not for long (40 ms) while nobody has been reached
  /// at all, since bootstrap peers may be gone, and 250 ms at most.
  [[nodiscard]] bool is_joining() const;
  /// Another view was met (NotOwner): the differences are exchanged.
  void reconcile(const PeerId& peer);

  [[nodiscard]] std::vector<MemberInfo> list() const;
  /// What is worth remembering for the next run: records of peers that were linked, the last seen first, at most 256.
  [[nodiscard]] std::vector<PeerRecord> to_remember() const;
  [[nodiscard]] const PeerRecord& own_record() const;

  /// Called when a peer's link broke or it fell silent (`dead` false) or died (`dead` true; also when another process
  /// of that peer took its place, which is linked), and when one came up.
  std::function<void(const PeerId&, bool dead)> on_lost;
  std::function<void(const PeerId&)> on_joined;

 private:
  struct Event {
    PeerId peer;
    bool joined = false;
    bool dead = false;
  };
  using Table = std::map<PeerId, Member>;

  static constexpr base::Millis soon{10};      ///< many records that arrive together are looked at once
  static constexpr base::Millis overdue{200};  ///< so late, a tick says that this process was not served

  // ---- members.cpp: the table, and what is told outside
  Member* find(const PeerId& id);
  [[nodiscard]] const Member* find(const PeerId& id) const;
  Member& make(const PeerId& id);
  void fire();
  void want(base::MonoTime at);
  void want_now();
  void want_soon();
  [[nodiscard]] std::size_t pick(std::size_t count);
  [[nodiscard]] base::Millis jitter(base::Millis range);

  // ---- members_records.cpp: who is there
  void own_changed();
  void jump_above(std::uint64_t sequence);
  void refute(const Suspect& claim);
  void note_observed(const PeerId& by, const std::string& address);
  void become_reachable();
  void ask_dial_back(base::MonoTime now);
  void adopt_own_word(Member& member, const PeerRecord& record);
  void adopt_hearsay(const PeerId& teller, const PeerRecord& record);
  Member* make_unverified(const PeerId& teller, const PeerRecord& record);
  void vouch(Member& member, const PeerId& voucher);
  void tell_some(const PeerRecord& record, const PeerId& except);
  void send_records(const PeerId& to, std::vector<const PeerRecord*> records);
  void introduce(const PeerId& to, std::size_t most);

  // ---- members_dials.cpp: links, and attempts at them
  [[nodiscard]] bool is_dialable(const Member& member) const;
  void schedule_dial(Member& member, base::MonoTime now);
  void dial_hinted(Member& member, base::MonoTime now);
  void dial(Member& member, base::MonoTime now);
  void dial_due(base::MonoTime now);
  void try_a_dead_one(base::MonoTime now);
  void count_failure(Member& member, LinkEnd end, base::MonoTime now);
  [[nodiscard]] bool is_worth_keeping(const Member& member) const;
  void forget_old(base::MonoTime now);

  // ---- members_watch.cpp: who lives
  [[nodiscard]] bool is_cut_off(base::MonoTime now) const;
  void choose_watched(base::MonoTime now);
  [[nodiscard]] bool may_claim(const Member& member, const PeerId& claimer, std::size_t within) const;
  void ping(Member& member, base::MonoTime now);
  void ping_watched(base::MonoTime now);
  void observe(Member& member, base::MonoTime now);
  void observe_silence(Member& member, base::MonoTime now);
  void claim(Member& member, base::MonoTime now);
  void add_claim(Member& member, const PeerId& by, base::MonoTime now);
  void verify(Member& member, base::MonoTime now);
  void judge(Member& member, base::MonoTime now);
  void die(Member& member, base::MonoTime now);
  void revive(Member& member, base::MonoTime now);
  void forgive(base::Millis late, base::MonoTime now);
  [[nodiscard]] std::size_t live_besides(const PeerId& peer) const;

  // ---- members_latency.cpp: who is too slow to own keys
  void note_round_trip(Member& member, base::MonoTime now);
  void note_latency(Member& member, const std::optional<base::Millis>& latency);
  [[nodiscard]] std::optional<base::Millis> own_latency(base::MonoTime now) const;
  [[nodiscard]] std::optional<base::Millis> usual_latency(base::MonoTime now) const;
  [[nodiscard]] bool is_overdue(base::MonoTime now) const;
  [[nodiscard]] bool has_other_owners() const;
  [[nodiscard]] bool is_too_slow(base::MonoTime now) const;
  [[nodiscard]] bool is_fast_enough(base::MonoTime now) const;
  void look_at_latency(base::MonoTime now);
  void ping_some(base::MonoTime now);
  void set_slow(bool slow);

  // ---- members_view.cpp: who may own keys
  [[nodiscard]] bool is_candidate(const Member& member) const;
  [[nodiscard]] const std::vector<std::pair<std::uint64_t, PeerId>>& candidates() const;
  void compare_views(const PeerId& peer, std::uint64_t view);
  void send_view(Member& member, base::MonoTime now);
  void doubt(Member& member, const PeerId& doubter, base::MonoTime now);
  void views_changed();

  PeerRecord m_own;
  std::string m_software;
  std::uint64_t m_incarnation;
  std::uint16_t m_listen_port;
  bool m_announce_observed;
  std::vector<peer::Multiaddr> m_configured;
  Links& m_links;
  const base::Clock& m_clock;
  Random m_random;
  std::uint64_t m_seed;
  Table m_table;
  std::vector<Event> m_events;
  bool m_firing = false;
  Lateness m_lateness;
  ObservedAddresses m_observed;
  base::MonoTime m_deadline = base::MonoTime::max();
  std::optional<base::MonoTime> m_started;
  std::optional<base::MonoTime> m_next_ping;
  std::optional<base::Millis> m_latency;  ///< own_latency, once a second
  base::MonoTime m_next_look{};
  int m_looks = 0;  ///< in a row, that call for another `slow`
  base::MonoTime m_next_dead_dial{};
  base::MonoTime m_next_dial_back{};
  int m_dial_backs_left = 0;
  base::MonoTime m_next_refutation{};
  bool m_refutation_due = false;
  bool m_dials_waiting = false;
  bool m_watch_changed = true;
  bool m_watch_all = false;
  base::MonoTime m_watch_all_until{};
  mutable bool m_view_changed = true;
  mutable std::vector<std::pair<std::uint64_t, PeerId>> m_candidates;  // seed, id
  mutable std::uint64_t m_digest = 0;
};

/// Highest random weight (Thaler and Ravishankar 1998) with a 64-bit mixer: pure, the same on every machine.
[[nodiscard]] std::uint64_t rank(const SlotKey& slot, const PeerId& peer);

}  // namespace ghoard::mesh
