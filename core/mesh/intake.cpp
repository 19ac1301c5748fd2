#include "core/mesh/intake.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/github/api_path.hpp"

namespace ghoard::mesh {

bool is_wide(const cache::Change& change) {
  const auto* tag = std::get_if<github::Tag>(&change);
  if (tag == nullptr) {
    return false;
  }
  const github::ApiPath path(tag->prefix);
  return path.size() == 0 || path[0].empty() || (path.size() == 1 && (path[0] == "repos" || path[0] == "api"));
}

bool Intake::has(const Share& share, const Size& size, base::MonoTime now) {
  return share.all.has(size.all, now) && share.wide.has(size.wide, now);
}

void Intake::take(Share& share, const Size& size, base::MonoTime now) {
  static_cast<void>(share.all.take(size.all, now));
  static_cast<void>(share.wide.take(size.wide, now));
}

bool Intake::is_full(const Share& share, base::MonoTime now) {
  return share.all.is_full(now) && share.wide.is_full(now);
}

bool Intake::admit(const Sender& from, std::span<const Tombstone> stones, base::MonoTime now) {
  Size own;
  Size passed_on;
  std::vector<const cache::Change*> wide;  // what is named twice is done once
  for (const Tombstone& stone : stones) {
    Size& size = stone.origin == from.id ? own : passed_on;
    ++size.all;
    const bool is_known =
        std::any_of(wide.begin(), wide.end(), [&](const cache::Change* other) { return *other == stone.change; });
    if (is_wide(stone.change) && !is_known) {
      wide.push_back(&stone.change);
      ++size.wide;
    }
  }
  Shares& shares = shares_of(from.id, now);
  const Size of_newcomer = from.linked_for < newcomer ? own : Size{};
  if (has(shares.own, own, now) && has(shares.passed_on, passed_on, now) && has(m_passed_on, passed_on, now) &&
      has(m_newcomers, of_newcomer, now)) {
    take(shares.own, own, now);
    take(shares.passed_on, passed_on, now);
    take(m_passed_on, passed_on, now);
    take(m_newcomers, of_newcomer, now);
    return true;
  }
  return from.asked && m_catch_up.take(stones.size() + weight_of_wide * wide.size(), now);
}

bool Intake::admit_list(const PeerId& from, base::MonoTime now) {
  return shares_of(from, now).lists.take(1, now);
}

base::MonoTime Intake::take_gap(const PeerId& from, base::MonoTime now) {
  std::optional<base::MonoTime>& gap = shares_of(from, now).gap;
  if (!gap || *gap <= now) {
    gap = gap ? std::max(now, *gap + gap_pause) : now;
  }
  return *gap;
}

bool Intake::is_full(const Shares& shares, base::MonoTime now) {
  return is_full(shares.own, now) && is_full(shares.passed_on, now) && shares.lists.is_full(now) &&
         (!shares.gap || *shares.gap + gap_pause <= now);
}

/// There are fewer links than are remembered: whoever goes is not linked, or has long been silent.
Intake::Shares& Intake::shares_of(const PeerId& peer, base::MonoTime now) {
  if (m_peers.size() >= most_peers && !m_peers.contains(peer)) {
    m_peers.erase(std::min_element(m_peers.begin(), m_peers.end(), [](const auto& one, const auto& other) {
      return one.second.used < other.second.used;
    }));
  }
  Shares& shares = m_peers[peer];
  shares.used = now;
  return shares;
}

void Intake::forget_full(base::MonoTime now) {
  std::erase_if(m_peers, [&](const auto& entry) { return is_full(entry.second, now); });
}

}  // namespace ghoard::mesh
