#include "net/overlay/half_open_slots.hpp"

namespace ghoard::overlay {

std::optional<HalfOpenSlots::Id> HalfOpenSlots::enter(Id id) {
  std::optional<Id> evicted;
  if (m_strangers.size() >= m_limits.unproven) {
    evicted = any_stranger();
    if (evicted) {
      remove_stranger(*evicted);
    }
  }
  m_places.emplace(id, m_strangers.size());
  m_strangers.push_back(id);
  return evicted;
}

bool HalfOpenSlots::prove(Id id, const std::string& group) {
  if (m_proven.size() >= m_limits.proven) {
    return false;
  }
  if (!group.empty()) {
    std::size_t& taken = m_groups[group];
    if (taken >= m_limits.proven_per_address) {
      return false;
    }
    ++taken;
  }
  remove_stranger(id);
  m_proven.emplace(id, group);
  return true;
}

std::optional<HalfOpenSlots::Id> HalfOpenSlots::disprove(Id id) {
  if (!m_proven.contains(id)) {
    return std::nullopt;
  }
  remove_proven(id);
  return enter(id);
}

void HalfOpenSlots::leave(Id id) {
  remove_stranger(id);
  remove_proven(id);
}

std::optional<HalfOpenSlots::Id> HalfOpenSlots::any_stranger() const {
  if (m_strangers.empty()) {
    return std::nullopt;
  }
  return m_strangers[m_pick(m_strangers.size())];
}

void HalfOpenSlots::remove_stranger(Id id) {
  const auto place = m_places.find(id);
  if (place == m_places.end()) {
    return;
  }
  // The last one takes the place that becomes free.
  const Id last = m_strangers.back();
  m_strangers[place->second] = last;
  m_places[last] = place->second;
  m_strangers.pop_back();
  m_places.erase(id);
}

void HalfOpenSlots::remove_proven(Id id) {
  const auto found = m_proven.find(id);
  if (found == m_proven.end()) {
    return;
  }
  if (const auto group = m_groups.find(found->second); group != m_groups.end() && --group->second == 0) {
    m_groups.erase(group);
  }
  m_proven.erase(found);
}

}  // namespace ghoard::overlay
