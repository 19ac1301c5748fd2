#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "core/mesh/message.hpp"

namespace ghoard::mesh {

/// One run of one peer: what a sequence of tombstones belongs to.
struct Origin {
  PeerId peer;
  std::uint64_t incarnation = 0;
  auto operator<=>(const Origin&) const = default;
};

struct TombstoneName {
  Origin origin;
  std::uint64_t sequence = 0;
};

/// Which tombstones were applied here, and the latest of them for those who missed some. Bounded: 65,536 tombstones,
/// the oldest going first, and 256 origins, the longest unused going first.
class FloodLog {
 public:
  static constexpr std::size_t most_entries = 65'536;
  static constexpr std::size_t most_kept_origins = 256;  ///< so that all extents fit into one message
  static constexpr std::size_t most_sparse = 4'096;

  [[nodiscard]] bool is_applied(const Origin& origin, std::uint64_t sequence) const;
  /// Marks it as applied. True if so many before it are missing that they are given up: a gap.
  bool add(const Tombstone& stone);

  /// Per origin what is covered: everything up to `last` was applied, or is given up because whatever is older must be
  /// revalidated anyway; all from `first` on can be handed out.
  [[nodiscard]] std::vector<LogExtent> extents() const;
  /// Equal for logs that cover the same.
  [[nodiscard]] std::uint64_t summary() const;

  /// Gives up what the other side had and has no longer. True if there was such: a gap. `own` cannot be missed.
  bool give_up(std::span<const LogExtent> theirs, const Origin& own);

  struct Missing {
    std::vector<TombstoneName> names;  ///< in order of origin and sequence
    bool gap = false;                  ///< some of what they miss was here and is gone
  };
  [[nodiscard]] Missing missing_there(std::span<const LogExtent> theirs) const;
  [[nodiscard]] std::optional<Tombstone> find(const TombstoneName& name) const;
  [[nodiscard]] std::size_t size() const { return m_size; }
  /// Origins that had to go, ever.
  [[nodiscard]] std::uint64_t forgotten() const { return m_forgotten; }

 private:
  struct Run {
    std::uint64_t given_up = 0;      ///< up to here nothing is missed, applied or not
    std::uint64_t covered = 0;       ///< (given_up, covered] was applied
    std::uint64_t floor = 1;         ///< [floor, covered] is in `entries`
    std::set<std::uint64_t> sparse;  ///< applied outside of that
    std::map<std::uint64_t, cache::Change> entries;
    std::uint64_t used = 0;
  };
  static void advance(Run& run);
  Run& run_of(const Origin& origin);
  void evict();

  std::map<Origin, Run> m_runs;
  std::deque<TombstoneName> m_order;  // the oldest first; some of forgotten origins
  std::size_t m_size = 0;             // entries of all runs
  std::uint64_t m_uses = 0;
  std::uint64_t m_forgotten = 0;
};

}  // namespace ghoard::mesh
