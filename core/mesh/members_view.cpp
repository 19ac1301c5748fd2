// Who may own keys, and how differing views of that come together.

#include <algorithm>
#include <utility>

#include "core/mesh/members.hpp"
#include "core/mesh/rank.hpp"

namespace ghoard::mesh {

namespace {

constexpr base::Millis first_reconcile_pause{10'000};
constexpr base::Millis last_reconcile_pause{160'000};
constexpr base::Millis view_answer_pause{2'000};
constexpr int differing_exchanges = 2;

}  // namespace

/// Owners are those of whom it is known at first hand, or from two others, that they can be reached; so one liar makes
/// no owners. Suspects stay: views have to agree, and the leases pass over them.
bool Members::is_candidate(const Member& member) const {
  if (!member.record.reachable || member.record.slow || member.dead || member.quarantined_until) {
    return false;
  }
  if (member.trusted) {
    return true;
  }
  std::size_t vouchers = 0;
  for (const PeerId& id : member.vouchers) {
    vouchers += is_linked(id) ? 1 : 0;
  }
  return vouchers >= 2 || (vouchers == 1 && live_besides(member.record.id) == 1);
}

void Members::views_changed() {
  m_view_changed = true;
}

const std::vector<std::pair<std::uint64_t, PeerId>>& Members::candidates() const {
  if (!std::exchange(m_view_changed, false)) {
    return m_candidates;
  }
  m_candidates.clear();
  if (m_own.reachable && !m_own.slow) {
    m_candidates.emplace_back(m_seed, m_own.id);
  }
  for (const auto& [id, member] : m_table) {
    if (is_candidate(member)) {
      m_candidates.emplace_back(member.seed, id);
    }
  }
  m_digest = 0;
  for (const auto& [seed, id] : m_candidates) {
    m_digest += rank_of(0x76696577, seed);  // a sum: in any order
  }
  return m_candidates;
}

std::vector<PeerId> Members::owners(const SlotKey& slot, std::size_t count) const {
  const std::uint64_t slot_seed = rank_seed(slot.bytes);
  std::vector<std::pair<std::uint64_t, const PeerId*>> ranked;
  for (const auto& [seed, id] : candidates()) {
    ranked.emplace_back(rank_of(slot_seed, seed), &id);
  }
  const std::size_t kept = std::min(count, ranked.size());
  std::partial_sort(
      ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept), ranked.end(),
      [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : *a.second < *b.second; });
  std::vector<PeerId> result;
  for (std::size_t i = 0; i < kept; ++i) {
    result.push_back(*ranked[i].second);
  }
  return result;
}

std::uint64_t Members::view_digest() const {
  static_cast<void>(candidates());
  return m_digest;
}

bool Members::is_joining() const {
  constexpr base::Millis until_reached{40};
  constexpr base::Millis until_known{250};
  if (!m_started || m_table.empty()) {
    return false;
  }
  const base::Millis age = std::chrono::duration_cast<base::Millis>(m_clock.mono() - *m_started);
  // Ages first: a node that has run for long does not look any further.
  return age < until_known && candidates().empty() && (age < until_reached || !linked().empty());
}

// ---- agreement -----------------------------------------------------------------------------------

void Members::compare_views(const PeerId& peer, std::uint64_t view) {
  Member* member = find(peer);
  if (member == nullptr) {
    return;
  }
  if (view == view_digest()) {
    member->mismatches = 0;
    member->reconcile_pause = base::Millis{0};
    return;
  }
  if (++member->mismatches >= differing_exchanges) {
    member->mismatches = 0;
    reconcile(peer);
  }
}

/// Views may differ for a while with good reason (quarantine): the pauses between exchanges double.
void Members::reconcile(const PeerId& peer) {
  Member* member = find(peer);
  const base::MonoTime now = m_clock.mono();
  if (member == nullptr || !member->linked || now < member->reconcile_after) {
    return;
  }
  member->reconcile_pause = std::clamp(member->reconcile_pause * 2, first_reconcile_pause, last_reconcile_pause);
  member->reconcile_after = now + member->reconcile_pause;
  send_view(*member, now);
}

void Members::send_view(Member& member, base::MonoTime now) {
  member.view_sent = now;
  View view;
  for (const auto& [seed, id] : candidates()) {
    if (view.members.size() < most_members) {
      view.members.push_back(id);
    }
  }
  m_links.send(member.record.id, std::move(view));
}

void Members::receive(const PeerId& from, const View& view) {
  heard(from);
  Member* sender = find(from);
  if (sender == nullptr || !sender->linked) {
    return;
  }
  const base::MonoTime now = m_clock.mono();
  if (sender->view_sent == base::MonoTime{} || now >= sender->view_sent + view_answer_pause) {
    send_view(*sender, now);
  }
  std::vector<PeerId> theirs = view.members;
  std::sort(theirs.begin(), theirs.end());
  std::vector<const PeerRecord*> lacking;
  for (auto& [id, member] : m_table) {
    if (!std::binary_search(theirs.begin(), theirs.end(), id)) {
      if (id != from && member.linked && member.record.reachable && !member.record.slow) {
        lacking.push_back(&member.record);
        doubt(member, from, now);
      }
    } else if (id != from && member.linked && member.record.slow) {
      lacking.push_back(&member.record);
    } else if (member.dead) {
      dial_hinted(member, now);
    } else if (!member.linked) {
      vouch(member, from);
      schedule_dial(member, now);
    }
  }
  send_records(from, std::move(lacking));
  fire();
}

/// Linked here and not counted there. If it does not answer here either, that is a second claim.
void Members::doubt(Member& member, const PeerId& doubter, base::MonoTime now) {
  if (member.suspect) {
    add_claim(member, doubter, now);
    judge(member, now);
  } else if (!member.verify_since && now - member.heard >= silence) {
    verify(member, now);
  }
}

}  // namespace ghoard::mesh
