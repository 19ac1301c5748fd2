#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/mesh/flood_log.hpp"
#include "core/mesh/flood_questions.hpp"
#include "core/mesh/intake.hpp"
#include "core/mesh/links.hpp"
#include "core/mesh/members.hpp"

namespace ghoard::mesh {

/// Invalidation without clocks (overlay.md section 4): tombstones are flooded over the links, acknowledged once
/// durable, kept in a log of 65,536, and compared every 15 s and whenever a link comes up. sans-I/O; one thread.
class Flood {
 public:
  /// If there are peers to find (bootstrap or remembered ones), the host is told at once to distrust what is older than
  /// this process: changes may have been missed. That ends with the first complete exchange of digests with a peer that
  /// is not in the same place, or has run for longer than anything stays fresh.
  Flood(const PeerId& self, std::uint64_t incarnation, Members& members, Links& links, cache::PeerHost& host,
        const base::Clock& clock, Random random);

  /// Numbers the changes, from 1 on after `longest_fresh` without any, tells every linked peer, and calls
  /// `acknowledged` when all of those have acknowledged or are gone, or after 250 ms (stretched). The changes are
  /// durable here already. `acknowledged` is called from tick only.
  void announce(std::vector<cache::Change> changes, std::function<void()> acknowledged);

  void link_up(const PeerId& peer);
  void link_down(const PeerId& peer);
  /// New ones are applied (durably) before they are acknowledged, and passed on once: to every other linked peer, or to
  /// 16 of them if there are more, of one peer's no more than 200 messages a second. Those that come in greater number
  /// than Intake allows are neither: the next comparison, with that peer, brings them again.
  void receive(const PeerId& from, const Tombstones& tombstones);
  void receive(const PeerId& from, const Acknowledge& acknowledge);
  void receive(const PeerId& from, const LogDigest& digest);
  void receive(const PeerId& from, const LogEnd& end);
  void tick();
  [[nodiscard]] base::MonoTime next_deadline() const;

  struct Counters {
    std::uint64_t announced = 0;
    std::uint64_t received = 0;
    std::uint64_t acknowledged_late = 0;  ///< announcements that ended by their deadline
    std::uint64_t gaps = 0;               ///< that made what was older distrusted
    std::uint64_t put_off = 0;            ///< that had to wait, since their link brought too many
    std::uint64_t unasked = 0;            ///< ends of comparisons that this side had not asked for
  };
  [[nodiscard]] const Counters& counters() const;

 private:
  struct Announcement {
    std::set<std::pair<std::uint32_t, PeerId>> due;  ///< message and who has to acknowledge it
    base::MonoTime deadline{};
    std::function<void()> acknowledged;
  };
  struct Age {
    std::uint64_t last = 0;  ///< up to this number
    base::MonoTime heard{};
  };
  /// With one linked peer: what it still has to get of what it misses.
  struct Exchange {
    base::MonoTime linked_since{};
    std::vector<TombstoneName> backlog;
    std::size_t sent = 0;
    std::set<std::uint32_t> under_way;  ///< messages that it has not acknowledged
    std::size_t passed_on = 0;          ///< its messages, since then
    base::MonoTime passed_on_since{};
    bool sending = false;
    base::MonoTime began{};  ///< when it last began to send
    bool gap_there = false;
    /// Something received could not be made durable, or has to wait: what had been asked by then proves nothing.
    std::optional<std::uint64_t> failed_at;
    std::uint64_t forgotten_told = 0;
    FloodQuestions questions;
    std::uint64_t summary_listed = 0;  ///< this side's, when it sent its list
    std::uint64_t summary_there = 0;   ///< the other side's, when it sent its list
    bool complete_there = false;       ///< it missed nothing then
    /// Summaries, here and there, of logs that had nothing for each other though they differ: what is given up differs.
    std::optional<std::pair<std::uint64_t, std::uint64_t>> reconciled;
    std::map<Origin, Age> ages;  ///< of what is missing here, as its last list tells
  };

  [[nodiscard]] std::uint32_t next_number();
  [[nodiscard]] std::vector<Tombstone> fresh_of(const Tombstones& tombstones) const;
  [[nodiscard]] base::Millis age_of(const PeerId& from, const Tombstone& stone, bool is_passed_on) const;
  void note_ages(Exchange& exchange, const std::vector<LogExtent>& theirs);
  void number_anew();
  [[nodiscard]] bool apply(const std::vector<Tombstone>& stones);
  void pass_on(const PeerId& from, const std::vector<Tombstone>& stones);
  /// As many off the front as one message holds.
  static std::vector<Tombstone> take_chunk(std::vector<Tombstone>& stones);
  void compare_at_random(base::MonoTime now);
  void send_brief(const PeerId& to);
  void send_list(const PeerId& to, Exchange& exchange, bool answer);
  void send_missing(const PeerId& to, Exchange& exchange, const std::vector<LogExtent>& theirs);
  void pump(const PeerId& to, Exchange& exchange);
  [[nodiscard]] bool may_vouch() const;
  [[nodiscard]] bool is_reconciled(const Exchange& exchange, std::uint64_t summary_there);
  void complete(const Exchange& exchange);
  void note_gap(const PeerId& from);
  void distrust_gap();
  void drop_due(const PeerId& peer);
  void settle();

  PeerId m_self;
  std::uint64_t m_incarnation;  // of the numbers given now
  Members& m_members;
  Links& m_links;
  cache::PeerHost& m_host;
  const base::Clock& m_clock;
  const base::MonoTime m_began;
  Random m_random;
  FloodLog m_log;
  Intake m_intake;
  std::uint64_t m_sequence = 0;
  base::MonoTime m_announced{};  // the latest of them
  std::uint32_t m_number = 0;
  std::deque<Announcement> m_announcements;
  std::vector<std::function<void()>> m_settled;
  std::map<PeerId, Exchange> m_exchanges;  // with each linked peer
  base::MonoTime m_next_comparison;
  bool m_distrusting = false;
  bool m_gap = false;        // something is missed for good: what is older stays distrusted
  base::MonoTime m_gap_due;  // when what is older than a further gap is distrusted
  Counters m_counters;
};

}  // namespace ghoard::mesh
