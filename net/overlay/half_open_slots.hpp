#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/overlay/limits.hpp"

namespace ghoard::overlay {

/// Which connections may be half-open (overlay.md section 1): those whose message 1 was proven have slots of their own,
/// so that no crowd of strangers keeps a peer out; the strangers share the rest, and each new one may push out any
/// other. Bookkeeping alone. One thread.
class HalfOpenSlots {
 public:
  using Id = std::uint64_t;
  /// A number below its argument, unpredictable to strangers.
  using Pick = std::function<std::size_t(std::size_t below)>;

  HalfOpenSlots(const Limits& limits, Pick pick) : m_limits(limits), m_pick(std::move(pick)) {}

  /// A stranger; tells who has to go for it.
  [[nodiscard]] std::optional<Id> enter(Id id);
  /// It has shown a network key. False, and it stays a stranger: no slot is free. `group` is its address as far as it
  /// counts, or empty if it is exempt.
  [[nodiscard]] bool prove(Id id, const std::string& group);
  /// Its handshake failed after all: a stranger again. Tells who has to go for it.
  [[nodiscard]] std::optional<Id> disprove(Id id);
  void leave(Id id);
  /// Any stranger, to make room for something else.
  [[nodiscard]] std::optional<Id> any_stranger() const;
  /// More than half of either kind is taken.
  [[nodiscard]] bool under_load() const {
    return m_proven.size() > m_limits.proven / 2 || m_strangers.size() > m_limits.unproven / 2;
  }
  [[nodiscard]] std::size_t strangers() const { return m_strangers.size(); }
  [[nodiscard]] std::size_t proven() const { return m_proven.size(); }

 private:
  void remove_stranger(Id id);
  void remove_proven(Id id);

  const Limits m_limits;
  Pick m_pick;
  std::vector<Id> m_strangers;
  std::unordered_map<Id, std::size_t> m_places;  // of strangers
  std::unordered_map<Id, std::string> m_proven;  // with their groups
  std::map<std::string, std::size_t> m_groups;
};

}  // namespace ghoard::overlay
