// Who is too slow to own keys. Each peer judges itself, from its own round trips and from those that others tell of
// theirs, and says so in its record: then all views agree, and nobody can vote another one out. A liar can shut itself
// out. With tiny latencies it could make others believe that they are slow; but what counts is the median of all that
// were heard, so that liars have to be half of them, whom they shut out has a round trip of 25 ms at least, and two
// other owners remain.

#include <algorithm>
#include <utility>

#include "core/mesh/members.hpp"

namespace ghoard::mesh {

namespace {

constexpr base::Millis look_pause{10'000};
constexpr base::Millis lately{60'000};
constexpr int looks_in_a_row = 3;
constexpr std::size_t least_compared = 3;
constexpr std::size_t least_other_owners = 2;
constexpr int too_many_times = 4;
constexpr int few_enough_times = 3;
/// The least budget of an answer: below it, what a busy machine adds would decide.
constexpr base::Millis harmless{25};

bool is_recent(base::MonoTime time, base::MonoTime now) {
  return time != base::MonoTime{} && now - time <= lately;
}

/// Of an even number the upper one: a peer that is near to half of the others is not yet slow by its other half.
std::optional<base::Millis> median(std::vector<base::Millis> times) {
  if (times.size() < least_compared) {
    return std::nullopt;
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

}  // namespace

// ---- what is known -------------------------------------------------------------------------------

/// The time for which this process got no service is not the line's.
bool Members::is_overdue(base::MonoTime now) const {
  return now > m_deadline && now - m_deadline >= overdue;
}

/// RFC 6298 section 2: a gain of 1/8; but what was measured long ago is no part of the average.
void Members::note_round_trip(Member& member, base::MonoTime now) {
  if (is_overdue(now)) {
    return;
  }
  const base::Millis sample = now - member.ping_sent;
  const bool smooth = member.round_trip && is_recent(member.measured, now);
  member.round_trip = smooth ? (*member.round_trip * 7 + sample) / 8 : sample;
  member.measured = now;
}

void Members::note_latency(Member& member, const std::optional<base::Millis>& latency) {
  if (latency) {
    member.latency = latency;
    member.latency_told = m_clock.mono();
  }
}

/// Only those that are pinged are measured.
std::optional<base::Millis> Members::own_latency(base::MonoTime now) const {
  std::vector<base::Millis> times;
  for (const auto& [id, member] : m_table) {
    if (member.linked && member.round_trip && is_recent(member.measured, now)) {
      times.push_back(*member.round_trip);
    }
  }
  return median(std::move(times));
}

/// Of the others.
std::optional<base::Millis> Members::usual_latency(base::MonoTime now) const {
  std::vector<base::Millis> times;
  for (const auto& [id, member] : m_table) {
    if (member.linked && member.latency && is_recent(member.latency_told, now)) {
      times.push_back(*member.latency);
    }
  }
  return median(std::move(times));
}

bool Members::has_other_owners() const {
  const std::size_t self = m_own.reachable && !m_own.slow ? 1 : 0;
  return candidates().size() >= least_other_owners + self;
}

bool Members::is_too_slow(base::MonoTime now) const {
  const std::optional<base::Millis> usual = usual_latency(now);
  return m_own.reachable && m_latency && usual && *m_latency >= harmless && *m_latency > too_many_times * *usual &&
         has_other_owners();
}

/// Or nothing says that it is not, now that it cannot be compared.
bool Members::is_fast_enough(base::MonoTime now) const {
  const std::optional<base::Millis> usual = usual_latency(now);
  return !m_latency || !usual ||
         *m_latency < std::max(few_enough_times * *usual, harmless * few_enough_times / too_many_times);
}

// ---- what follows --------------------------------------------------------------------------------

/// Three looks in a row, 10 s apart, so that a burst of traffic moves no keys; but two owners are wanted at once.
void Members::look_at_latency(base::MonoTime now) {
  if (!m_started) {
    return;
  }
  if (m_own.slow && !has_other_owners()) {
    set_slow(false);
  }
  if (now >= m_next_look) {
    m_next_look = now + look_pause;
    const bool is_otherwise = m_own.slow ? is_fast_enough(now) : is_too_slow(now);
    m_looks = is_otherwise ? m_looks + 1 : 0;
    if (m_looks == looks_in_a_row) {
      set_slow(!m_own.slow);
    }
    if (!m_latency) {
      ping_some(now);
    }
  }
  want(m_next_look);
}

/// Chance makes some peers watch hardly anybody.
void Members::ping_some(base::MonoTime now) {
  std::vector<PeerId> others;
  for (const auto& [id, member] : m_table) {
    if (member.linked && !is_recent(member.measured, now)) {
      others.push_back(id);
    }
  }
  for (std::size_t pinged = 0; pinged < least_compared && !others.empty(); ++pinged) {
    const std::size_t chosen = pick(others.size());
    ping(*find(others[chosen]), now);
    others[chosen] = others.back();
    others.pop_back();
  }
}

void Members::set_slow(bool slow) {
  m_own.slow = slow;
  m_looks = 0;
  views_changed();
  own_changed();
}

}  // namespace ghoard::mesh
