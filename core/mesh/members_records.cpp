// Who is there: what peers say of themselves and of each other.

#include <algorithm>
#include <utility>

#include "core/mesh/members.hpp"
#include "core/mesh/message_fields.hpp"

namespace ghoard::mesh {

namespace {

constexpr std::size_t most_known = 1'024;
constexpr std::size_t most_per_teller = 256;
constexpr std::size_t most_told = 16;  ///< of those that one change is passed on to
constexpr std::size_t most_told_when_dialled = 8;
constexpr int most_words = 16;  ///< of one peer, passed on within `words_pause`; views that are compared show the rest
constexpr base::Millis words_pause{10'000};
constexpr std::size_t most_vouchers = 4;
constexpr std::size_t record_bytes = 16 * 1024 - 64;  ///< of one message
constexpr base::Millis dial_back_pause{60'000};
constexpr base::Millis dial_back_service_pause{30'000};
constexpr int dial_backs = 2;

std::size_t size_of(const PeerRecord& record) {
  std::size_t size = 64;
  for (const peer::Multiaddr& address : record.addresses) {
    size += address.text().size() + 3;
  }
  return size;
}

bool may_own(const PeerRecord& record) {
  return record.reachable && !record.slow;
}

}  // namespace

// ---- of this process -----------------------------------------------------------------------------

void Members::own_changed() {
  if (m_own.sequence < highest_sequence) {
    ++m_own.sequence;
  }
  for (const PeerId& peer : linked()) {
    m_links.send(peer, Records{{m_own}});
  }
}

/// An earlier run of this process, or somebody who claims its death, knows a later sequence.
void Members::jump_above(std::uint64_t sequence) {
  if (sequence >= m_own.sequence && m_own.sequence < highest_sequence) {
    m_own.sequence = std::min(sequence, highest_sequence - 1);
    m_refutation_due = true;
    want_now();
  }
}

void Members::refute(const Suspect& claim) {
  m_own.sequence = std::min(std::max(m_own.sequence, claim.sequence), highest_sequence - 1);
  m_refutation_due = true;
  want(std::max(m_next_refutation, m_clock.mono()));
  m_links.wake();
}

void Members::note_observed(const PeerId& by, const std::string& address) {
  if (m_listen_port == 0 || !m_announce_observed || !m_observed.note(by, address, m_listen_port)) {
    return;
  }
  std::vector<peer::Multiaddr> addresses = m_configured;
  for (peer::Multiaddr& seen : m_observed.best()) {
    if (addresses.size() < most_addresses && std::find(addresses.begin(), addresses.end(), seen) == addresses.end()) {
      addresses.push_back(std::move(seen));
    }
  }
  if (addresses != m_own.addresses) {
    m_own.addresses = std::move(addresses);
    own_changed();
  }
}

void Members::become_reachable() {
  if (m_own.reachable) {
    return;
  }
  m_own.reachable = true;
  views_changed();
  own_changed();
}

/// Only a connection from outside proves that there can be one.
void Members::ask_dial_back(base::MonoTime now) {
  if (m_own.reachable || m_listen_port == 0 || m_own.addresses.empty()) {
    return;
  }
  if (now >= m_next_dial_back) {
    m_dial_backs_left = dial_backs;
    m_next_dial_back = now + dial_back_pause;
  }
  want(m_next_dial_back);
  std::vector<PeerId> able;
  for (const auto& [id, member] : m_table) {
    if (member.greeted) {
      able.push_back(id);
    }
  }
  while (m_dial_backs_left > 0 && !able.empty()) {
    const std::size_t chosen = pick(able.size());
    m_links.send(able[chosen], DialBack{});
    able.erase(able.begin() + static_cast<std::ptrdiff_t>(chosen));
    --m_dial_backs_left;
  }
}

void Members::receive(const PeerId& from, const DialBack&) {
  heard(from);
  Member* member = find(from);
  const base::MonoTime now = m_clock.mono();
  if (member == nullptr || !member->linked || member->record.addresses.empty() ||
      (member->dialled_back != base::MonoTime{} && now < member->dialled_back + dial_back_service_pause)) {
    return;
  }
  member->dialled_back = now;
  m_links.dial_back(from, member->record.addresses);
}

// ---- of others -----------------------------------------------------------------------------------

void Members::receive(const PeerId& from, const Hello& hello) {
  heard(from);
  Member* member = find(from);
  if (member == nullptr || !member->linked || hello.record.id != from) {
    return;
  }
  const bool first = !std::exchange(member->greeted, true) || hello.incarnation != member->incarnation;
  if (hello.incarnation != member->incarnation) {
    if (member->incarnation != 0) {
      // Another process, whether the end of the one before was seen or not: nothing is owed to that one.
      m_events.push_back({from, false, true});
    }
    member->incarnation = hello.incarnation;
    member->dialled_back = {};
  }
  member->software = hello.software;
  adopt_own_word(*member, hello.record);
  note_observed(from, hello.observed);
  if (first) {
    introduce(from, member->inbound ? most_records : most_told_when_dialled);
    ping(*member, m_clock.mono());
    m_events.push_back({from, true, false});
  }
  ask_dial_back(m_clock.mono());
  fire();
}

void Members::receive(const PeerId& from, const Records& records) {
  heard(from);
  Member* sender = find(from);
  if (sender == nullptr || !sender->linked) {
    return;
  }
  for (const PeerRecord& record : records.records) {
    if (record.id == m_own.id) {
      // Never adopted: but whoever holds it must hear of ours.
      if (record.sequence > m_own.sequence || (record.sequence == m_own.sequence && record != m_own)) {
        jump_above(record.sequence);
      }
    } else if (record.id == from) {
      adopt_own_word(*sender, record);
    } else {
      adopt_hearsay(from, record);
    }
  }
  fire();
}

/// Its own word over its own link always counts; a forged record with a high sequence cannot outlast it.
void Members::adopt_own_word(Member& member, const PeerRecord& record) {
  if (record == member.record) {
    return;
  }
  if (record.sequence < member.record.sequence) {
    m_links.send(record.id, Records{{member.record}});
  }
  if (may_own(record) != may_own(member.record)) {
    views_changed();
  }
  member.record = record;
  // What one peer may send must not become sixteen times as much on links between others.
  if (m_clock.mono() - member.words_since >= words_pause) {
    member.words_since = m_clock.mono();
    member.words_told = 0;
  }
  if (++member.words_told <= most_words) {
    tell_some(record, record.id);
  }
}

void Members::adopt_hearsay(const PeerId& teller, const PeerRecord& record) {
  const base::MonoTime now = m_clock.mono();
  Member* member = find(record.id);
  if (member == nullptr) {
    member = make_unverified(teller, record);
    if (member == nullptr) {
      return;
    }
  }
  if (member->linked) {
    vouch(*member, teller);
    return;
  }
  const bool is_newer = record.sequence > member->record.sequence;
  if (is_newer) {
    if (may_own(record) != may_own(member->record)) {
      views_changed();
    }
    member->record = record;
    member->claims.clear();
    member->suspect = false;
    member->claim_due.reset();
    revive(*member, now);
  }
  if (member->dead) {
    dial_hinted(*member, now);
    return;
  }
  vouch(*member, teller);
  schedule_dial(*member, now);
}

void Members::discover(const PeerRecord& record) {
  if (record.id == m_own.id) {
    if (record.sequence > m_own.sequence ||
        (record.sequence == m_own.sequence && record.addresses != m_own.addresses)) {
      jump_above(record.sequence);  // an earlier run of this process had come so far
    }
    return;
  }
  Member* member = find(record.id);
  if (member == nullptr) {
    member = make_unverified(m_own.id, record);  // among strangers, those found so are as many as one peer may name
  } else if (!member->linked && record.sequence > member->record.sequence) {
    // Only where it is: whether it lives and can be reached is for those to say who are linked with it, and the
    // sequence stays, so that their word still counts as news.
    member->record.addresses = record.addresses;
  }
  if (member != nullptr && !member->linked) {
    dial_hinted(*member, m_clock.mono());
    m_links.wake();
  }
}

/// Room is bounded per teller and in all: nobody can fill the table with strangers.
Member* Members::make_unverified(const PeerId& teller, const PeerRecord& record) {
  std::size_t told = 0;
  Member* oldest = nullptr;
  for (auto& [id, member] : m_table) {
    if (!member.teller) {
      continue;
    }
    told += *member.teller == teller ? 1 : 0;
    if (oldest == nullptr || member.learned < oldest->learned) {
      oldest = &member;
    }
  }
  if (told >= most_per_teller) {
    return nullptr;
  }
  if (m_table.size() >= most_known) {
    if (oldest == nullptr) {
      return nullptr;
    }
    m_table.erase(oldest->record.id);
  }
  Member& member = make(record.id);
  member.record = record;
  member.teller = teller;
  views_changed();
  return &member;
}

void Members::vouch(Member& member, const PeerId& voucher) {
  if (!member.trusted && member.vouchers.size() < most_vouchers &&
      std::find(member.vouchers.begin(), member.vouchers.end(), voucher) == member.vouchers.end()) {
    member.vouchers.push_back(voucher);
    views_changed();
  }
}

// ---- telling -------------------------------------------------------------------------------------

/// What a peer said of itself goes one hop further. In a full mesh all have heard it from the peer itself, so that a
/// sample is enough for those that have not.
void Members::tell_some(const PeerRecord& record, const PeerId& except) {
  std::vector<PeerId> others = linked();
  std::erase(others, except);
  for (std::size_t told = 0; told < most_told && !others.empty(); ++told) {
    const std::size_t chosen = pick(others.size());
    m_links.send(others[chosen], Records{{record}});
    others[chosen] = others.back();
    others.pop_back();
  }
}

void Members::send_records(const PeerId& to, std::vector<const PeerRecord*> records) {
  Records message;
  std::size_t size = 0;
  for (const PeerRecord* record : records) {
    const std::size_t more = size_of(*record);
    if (!message.records.empty() && (message.records.size() == most_records || size + more > record_bytes)) {
      m_links.send(to, std::exchange(message, {}));
      size = 0;
    }
    message.records.push_back(*record);
    size += more;
  }
  if (!message.records.empty()) {
    m_links.send(to, std::move(message));
  }
}

/// Some of the live peers that were linked here: with those of its other links a newcomer, which dials, soon knows all,
/// and what is missing is found by comparing views.
void Members::introduce(const PeerId& to, std::size_t most) {
  std::vector<const PeerRecord*> live;
  for (const auto& [id, member] : m_table) {
    if (id != to && member.trusted && member.greeted) {
      live.push_back(&member.record);
    }
  }
  if (live.size() > most) {
    for (std::size_t i = 0; i < most; ++i) {
      std::swap(live[i], live[i + pick(live.size() - i)]);
    }
    live.resize(most);
  }
  send_records(to, std::move(live));
}

}  // namespace ghoard::mesh
