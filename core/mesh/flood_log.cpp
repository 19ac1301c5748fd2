#include "core/mesh/flood_log.hpp"

#include <algorithm>
#include <utility>

#include "core/mesh/rank.hpp"

namespace ghoard::mesh {

bool FloodLog::is_applied(const Origin& origin, std::uint64_t sequence) const {
  const auto found = m_runs.find(origin);
  if (found == m_runs.end()) {
    return false;
  }
  const Run& run = found->second;
  return (sequence > run.given_up && sequence <= run.covered) || run.sparse.contains(sequence);
}

bool FloodLog::add(const Tombstone& stone) {
  Run& run = run_of({stone.origin, stone.incarnation});
  if (run.entries.emplace(stone.sequence, stone.change).second) {
    m_order.push_back({{stone.origin, stone.incarnation}, stone.sequence});
    ++m_size;
  }
  run.sparse.insert(stone.sequence);
  advance(run);
  bool gap = false;
  if (run.sparse.size() > most_sparse) {
    const std::uint64_t lowest = *run.sparse.begin();
    if (lowest > run.covered + 1) {
      run.given_up = run.covered = lowest - 1;
      run.floor = std::max(run.floor, lowest);
      advance(run);
      gap = true;
    } else {
      run.sparse.erase(run.sparse.begin());
    }
  }
  evict();
  return gap;
}

void FloodLog::advance(Run& run) {
  for (auto next = run.sparse.find(run.covered + 1); next != run.sparse.end() && *next == run.covered + 1;) {
    ++run.covered;
    next = run.sparse.erase(next);
  }
}

FloodLog::Run& FloodLog::run_of(const Origin& origin) {
  const auto [entry, is_new] = m_runs.try_emplace(origin);
  entry->second.used = ++m_uses;
  if (is_new && m_runs.size() > most_kept_origins) {
    auto oldest = m_runs.begin();
    for (auto run = m_runs.begin(); run != m_runs.end(); ++run) {
      oldest = run->second.used < oldest->second.used ? run : oldest;
    }
    m_size -= oldest->second.entries.size();
    m_runs.erase(oldest);  // its names in m_order go when they are the oldest: nobody can make each new origin dear
    ++m_forgotten;
  }
  return entry->second;
}

void FloodLog::evict() {
  while (m_size > most_entries || m_order.size() > 2 * most_entries) {
    const TombstoneName oldest = m_order.front();
    m_order.pop_front();
    const auto run = m_runs.find(oldest.origin);
    if (run != m_runs.end() && run->second.entries.erase(oldest.sequence) > 0) {
      --m_size;
      run->second.floor = std::max(run->second.floor, oldest.sequence + 1);
    }
  }
}

std::vector<LogExtent> FloodLog::extents() const {
  std::vector<LogExtent> result;
  for (const auto& [origin, run] : m_runs) {
    result.push_back({origin.peer, origin.incarnation, std::min(run.floor, run.covered + 1), run.covered});
  }
  return result;
}

std::uint64_t FloodLog::summary() const {
  std::uint64_t sum = 0;
  for (const auto& [origin, run] : m_runs) {
    sum += rank_of(rank_of(rank_seed(origin.peer.key), origin.incarnation), run.covered);
  }
  return sum;
}

bool FloodLog::give_up(std::span<const LogExtent> theirs, const Origin& own) {
  bool gap = false;
  for (const LogExtent& extent : theirs) {
    const Origin origin{extent.origin, extent.incarnation};
    const auto found = m_runs.find(origin);
    const std::uint64_t covered = found == m_runs.end() ? 0 : found->second.covered;
    if (origin == own || extent.last <= covered || extent.first <= covered + 1) {
      continue;
    }
    Run& run = run_of(origin);
    run.given_up = run.covered = extent.first - 1;
    run.floor = std::max(run.floor, extent.first);
    advance(run);
    gap = true;
  }
  return gap;
}

FloodLog::Missing FloodLog::missing_there(std::span<const LogExtent> theirs) const {
  std::map<Origin, std::uint64_t> covered;
  for (const LogExtent& extent : theirs) {
    covered[{extent.origin, extent.incarnation}] = extent.last;
  }
  Missing missing;
  for (const auto& [origin, run] : m_runs) {
    const auto known = covered.find(origin);
    const std::uint64_t last = known == covered.end() ? 0 : known->second;
    missing.gap = missing.gap || (run.covered > last && run.floor > last + 1);
    for (auto entry = run.entries.upper_bound(last); entry != run.entries.end(); ++entry) {
      missing.names.push_back({origin, entry->first});
    }
  }
  return missing;
}

std::optional<Tombstone> FloodLog::find(const TombstoneName& name) const {
  const auto run = m_runs.find(name.origin);
  if (run == m_runs.end()) {
    return std::nullopt;
  }
  const auto entry = run->second.entries.find(name.sequence);
  if (entry == run->second.entries.end()) {
    return std::nullopt;
  }
  return Tombstone{name.origin.peer, name.origin.incarnation, name.sequence, entry->second};
}

}  // namespace ghoard::mesh
