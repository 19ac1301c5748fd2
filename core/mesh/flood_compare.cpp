// Comparing logs, so that what was missed in a partition is made good.

#include <algorithm>
#include <utility>

#include "core/mesh/flood.hpp"

namespace ghoard::mesh {

namespace {

constexpr base::Millis comparison_interval{15'000};
constexpr std::size_t most_under_way = 8;  ///< messages sent and not acknowledged: nobody's queue overflows

}  // namespace

void Flood::link_up(const PeerId& peer) {
  m_log.age(m_clock.mono());
  const auto before = m_exchanges.find(peer);  // there if the link was replaced
  const base::MonoTime since = before == m_exchanges.end() ? m_clock.mono() : before->second.linked_since;
  Exchange& exchange = m_exchanges[peer];
  exchange = Exchange{};
  exchange.linked_since = since;
  if (m_next_comparison == base::MonoTime::max()) {
    m_next_comparison = m_clock.mono() + comparison_interval;
  }
  if (m_self < peer) {
    send_brief(peer);  // one exchange serves both sides
  }
}

void Flood::link_down(const PeerId& peer) {
  m_exchanges.erase(peer);
  drop_due(peer);
}

/// With one of all, and with one of those that hold something that could not be taken.
void Flood::compare_at_random(base::MonoTime now) {
  if (now < m_next_comparison) {
    return;
  }
  m_next_comparison = now + comparison_interval;
  m_log.age(now);
  m_intake.forget_full(now);
  std::erase_if(m_exchanges, [&](const auto& entry) { return !m_members.is_linked(entry.first); });
  std::vector<PeerId> peers = m_members.linked();
  const auto compare_with_one = [&] {
    if (!peers.empty()) {
      send_brief(peers[static_cast<std::size_t>(m_random() % peers.size())]);
    }
  };
  compare_with_one();
  std::erase_if(peers, [&](const PeerId& peer) { return !m_exchanges[peer].failed_at.has_value(); });
  compare_with_one();
}

/// A log that begins with this process says nothing of what the other side may have missed before, until that is too
/// old to be fresh anywhere. After a gap it is as good as any: what is asked for is not older.
bool Flood::may_vouch() const {
  return !m_distrusting || m_gap || m_clock.mono() - m_began >= longest_fresh;
}

/// A summary is enough while nobody misses anything, which is nearly always. It vouches for the sender's log.
void Flood::send_brief(const PeerId& to) {
  Exchange& exchange = m_exchanges[to];
  if (!may_vouch()) {
    send_list(to, exchange, false);
    return;
  }
  exchange.questions.ask_brief();
  m_links.send(to, LogDigest{{}, false, true, m_log.summary()});
}

void Flood::send_list(const PeerId& to, Exchange& exchange, bool answer) {
  exchange.questions.ask_list(answer);
  exchange.summary_listed = m_log.summary();
  m_links.send(to, LogDigest{m_log.extents(), answer, false, exchange.summary_listed});
}

void Flood::receive(const PeerId& from, const LogDigest& digest) {
  if (!m_members.is_linked(from)) {
    return;
  }
  m_log.age(m_clock.mono());
  Exchange& exchange = m_exchanges[from];
  const bool is_asked = digest.answer && exchange.questions.is_list_due();
  if (!digest.brief && !is_asked && !m_intake.admit_list(from, m_clock.mono())) {
    return;  // it asks again with the next comparison
  }
  if (digest.brief) {
    if (is_reconciled(exchange, digest.summary)) {
      complete(exchange);
      m_links.send(from, LogEnd{false});
    } else {
      send_list(from, exchange, false);
    }
    return;
  }
  if (!digest.answer) {
    exchange.questions.drop_brief();
  } else if (is_asked) {
    exchange.questions.take_list();
  }
  note_ages(exchange, digest.extents);
  if (exchange.sending && m_clock.mono() < exchange.began + comparison_interval) {
    return;  // first what it was promised: whoever asks on and on makes no work
  }
  exchange.summary_there = digest.summary;
  if (m_log.give_up(digest.extents, {m_self, m_incarnation})) {
    note_gap(from);
  }
  if (!digest.answer) {
    send_list(from, exchange, true);
  }
  send_missing(from, exchange, digest.extents);
}

/// How old what comes from there may be.
void Flood::note_ages(Exchange& exchange, const std::vector<LogExtent>& theirs) {
  exchange.ages.clear();
  for (const LogExtent& extent : theirs) {
    const Origin origin{extent.origin, extent.incarnation};
    if (extent.idle.count() > 0 && !m_log.has_all(origin, extent.last)) {
      exchange.ages[origin] = {extent.last, m_clock.mono() - std::min(extent.idle, longest_fresh)};
    }
  }
}

/// What was told of at once is young, and what a comparison brings is as old as its log said.
base::Millis Flood::age_of(const PeerId& from, const Tombstone& stone, bool is_passed_on) const {
  const auto exchange = m_exchanges.find(from);
  if (exchange == m_exchanges.end()) {
    return {};
  }
  const auto age = exchange->second.ages.find({stone.origin, stone.incarnation});
  const bool is_live = is_passed_on || stone.origin == from;
  if (age == exchange->second.ages.end() || (is_live && stone.sequence > age->second.last)) {
    return {};
  }
  return m_clock.mono() - age->second.heard;
}

void Flood::send_missing(const PeerId& to, Exchange& exchange, const std::vector<LogExtent>& theirs) {
  FloodLog::Missing missing = m_log.missing_there(theirs);
  exchange.complete_there = missing.names.empty();
  exchange.backlog = std::move(missing.names);
  exchange.sent = 0;
  exchange.under_way.clear();
  exchange.sending = true;
  exchange.began = m_clock.mono();
  exchange.gap_there = missing.gap || (m_log.forgot_lately() && exchange.forgotten_told < m_log.forgotten());
  exchange.forgotten_told = m_log.forgotten();
  pump(to, exchange);
}

void Flood::pump(const PeerId& to, Exchange& exchange) {
  while (exchange.sending && exchange.under_way.size() < most_under_way && exchange.sent < exchange.backlog.size()) {
    std::vector<Tombstone> stones;
    while (stones.size() < most_tombstones && exchange.sent + stones.size() < exchange.backlog.size()) {
      std::optional<Tombstone> stone = m_log.find(exchange.backlog[exchange.sent + stones.size()]);
      if (!stone) {
        break;
      }
      stones.push_back(std::move(*stone));
    }
    if (stones.empty()) {
      ++exchange.sent;  // evicted in the meantime
      exchange.gap_there = true;
      continue;
    }
    const std::vector<Tombstone> chunk = take_chunk(stones);
    exchange.sent += chunk.size();
    const std::uint32_t number = next_number();
    exchange.under_way.insert(number);
    m_links.send(to, Tombstones{number, chunk});
  }
  if (exchange.sending && exchange.sent == exchange.backlog.size()) {
    exchange.sending = false;
    exchange.backlog = {};
    if (exchange.gap_there || may_vouch()) {
      m_links.send(to, LogEnd{exchange.gap_there});
    }
  }
}

void Flood::receive(const PeerId& from, const LogEnd& end) {
  const auto exchange = m_exchanges.find(from);
  if (exchange == m_exchanges.end()) {
    return;
  }
  const std::optional<std::uint64_t> answered = exchange->second.questions.take_end();
  if (!answered) {
    ++m_counters.unasked;  // nothing was asked: it vouches for nothing, and no question of ours found a gap
    return;
  }
  m_log.age(m_clock.mono());
  if (!exchange->second.questions.is_end_due()) {
    exchange->second.ages.clear();
  }
  if (exchange->second.failed_at && *exchange->second.failed_at < *answered) {
    exchange->second.failed_at.reset();  // it was asked anew since then, and this is the end of that
  }
  const std::uint64_t summary = m_log.summary();
  if (end.gap) {
    note_gap(from);
  } else if (exchange->second.complete_there && exchange->second.summary_listed == summary) {
    exchange->second.reconciled = {summary, exchange->second.summary_there};  // and nothing came from there
  }
  complete(exchange->second);
}

/// Logs may differ for good: who joined later than another has given up more of what is gone everywhere. Once lists
/// have shown that there is nothing to send, summaries are enough again.
bool Flood::is_reconciled(const Exchange& exchange, std::uint64_t summary_there) {
  const std::uint64_t summary = m_log.summary();
  return summary_there == summary || exchange.reconciled == std::pair(summary, summary_there);
}

/// Nothing is missed that this peer knows of.
void Flood::complete(const Exchange& exchange) {
  if (m_distrusting && !m_gap && !exchange.failed_at.has_value()) {
    m_distrusting = false;
    m_host.distrust_older(false);
  }
}

/// Whatever peers say to be gone, no more than one of each within 15 s makes everything be confirmed anew. What came
/// meanwhile is not vouched for by anybody; that is as long as a change may be missed unnoticed anyway.
void Flood::note_gap(const PeerId& from) {
  const base::MonoTime now = m_clock.mono();
  m_gap = true;
  m_distrusting = true;
  m_gap_due = std::min(m_gap_due, m_intake.take_gap(from, now));
  if (m_gap_due <= now) {
    distrust_gap();
  }
}

void Flood::distrust_gap() {
  ++m_counters.gaps;
  m_gap_due = base::MonoTime::max();
  m_host.distrust_older(true);
}

}  // namespace ghoard::mesh
