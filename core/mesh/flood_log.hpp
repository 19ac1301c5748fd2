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
  auto operator<=>(const Origin&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct TombstoneName {
  Origin origin;
  std::uint64_t sequence = 0;
};

/// Which tombstones were applied here, and the latest of them for those who missed some. Bounded: 65,536 tombstones,
/// the oldest going first, and 256 origins, the longest idle going first. Idle for `longest_fresh` a run concerns
/// nothing that is fresh anywhere: nobody is sent it any more, and nobody misses it; idle for twice as long it is
/// dropped. Time is what `age` was told last.
///
/// Members may lie about origins other than themselves, so nothing that is told makes a number count as applied but the
/// tombstone itself: what is given up is named as a hole, and is as welcome later as if nothing had been told.
class FloodLog {
 public:
  static constexpr std::size_t most_entries = 65'536;
  static constexpr std::size_t most_kept_origins = 256;  ///< so that all extents fit into one message
  static constexpr std::uint64_t most_beyond = 4'096;    ///< applied while one before them is waited for
  static constexpr std::size_t most_pieces = 1'024;      ///< runs of numbers that are kept for one origin
  static constexpr std::size_t most_gone = 65'536;       ///< names of those that left the log before they were covered

  /// To be called before anything else is asked of it, or told.
  void age(base::MonoTime now);
  [[nodiscard]] bool is_applied(const Origin& origin, std::uint64_t sequence) const;
  /// Marks it as applied, having been heard of, here or where it comes from, that long ago. True if so many before it
  /// are missing that they are given up: a gap.
  bool add(const Tombstone& stone, base::Millis idle = {});
  /// All of it up to there.
  [[nodiscard]] bool has_all(const Origin& origin, std::uint64_t last) const;

  /// Per origin what is covered: everything up to `last` was applied, or is given up because whatever is older must be
  /// revalidated anyway; all from `first` on can be handed out. What is given up and missing is named as holes; where
  /// the message has no room for these, less is covered.
  [[nodiscard]] std::vector<LogExtent> extents() const;
  /// Equal for logs in which the same was applied and the same holes are given up, whatever is still there of it, of
  /// runs that somebody may still miss. Nobody can make up a run that makes it what another log's is.
  [[nodiscard]] std::uint64_t summary();

  /// Gives up what the other side had and has no longer. True if there was such: a gap. `own` cannot be missed. An
  /// origin of which nothing came is remembered only where there is room.
  bool give_up(std::span<const LogExtent> theirs, const Origin& own);

  struct Missing {
    std::vector<TombstoneName> names;  ///< in order of origin and sequence
    bool gap = false;                  ///< some of what they miss was here and is gone
  };
  [[nodiscard]] Missing missing_there(std::span<const LogExtent> theirs) const;
  [[nodiscard]] std::optional<Tombstone> find(const TombstoneName& name) const;
  [[nodiscard]] std::size_t size() const { return m_size; }
  /// Origins that had to go while somebody may have missed what they did, ever.
  [[nodiscard]] std::uint64_t forgotten() const { return m_forgotten; }
  /// The last of these so lately that it may still matter.
  [[nodiscard]] bool forgot_lately() const { return m_forgotten > 0 && m_now - m_forgot < longest_fresh; }

 private:
  struct Run {
    std::map<std::uint64_t, std::uint64_t> pieces;  ///< applied: first and last of each run of numbers
    std::uint64_t given_up = 0;                     ///< what is missing up to here is not waited for
    std::uint64_t covered = 0;                      ///< up to here everything was applied or is given up
    std::uint64_t beyond = 0;                       ///< how many were applied after that
    std::uint64_t floor = 1;                        ///< what is applied of [floor, covered] is in `entries`
    std::set<std::uint64_t> gone;                   ///< not in `entries` any more, of those beyond
    std::map<std::uint64_t, cache::Change> entries;
    std::uint64_t used = 0;
    base::MonoTime heard{};              ///< the latest change, here or where it was got from
    std::optional<base::Digest> digest;  ///< of what was applied and given up, until it changes
  };
  static bool insert(Run& run, std::uint64_t sequence);
  static void cover(Run& run);
  static void give_up_to(Run& run, std::uint64_t given_up);
  static bool bound(Run& run);
  [[nodiscard]] static std::vector<SequenceRange> holes(const Run& run);
  [[nodiscard]] static base::Digest digest_of(const Origin& origin, const Run& run);
  Run& run_of(const Origin& origin, base::Millis idle);
  void make_room(const Origin& kept);
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] bool is_young(const Run& run) const { return m_now - run.heard < longest_fresh; }
  [[nodiscard]] bool evict();
  [[nodiscard]] bool bound_gone();

  std::map<Origin, Run> m_runs;
  std::optional<std::uint64_t> m_summary;  // until a run changes,
  base::MonoTime m_summary_until{};        // or the oldest of those in it is not young any more
  std::deque<TombstoneName> m_order;       // the oldest first; some of forgotten origins
  std::size_t m_size = 0;                  // entries of all runs
  std::uint64_t m_uses = 0;
  std::uint64_t m_forgotten = 0;
  base::MonoTime m_forgot{};  // when that was counted last
  base::MonoTime m_now{};
  base::MonoTime m_swept{};
};

}  // namespace ghoard::mesh
