#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "core/cache/entry.hpp"
#include "core/github/invalidation.hpp"

namespace ghoard::cache {

/// What a write changed: the resources of a tag, or everything that one token was granted.
using Change = std::variant<github::Tag, Fingerprint>;
[[nodiscard]] bool concerns(const Change& change, const Resource& resource, const Fingerprint& fingerprint);

/// The latest invalidations in order, so that a fetch can tell whether one that concerns it happened while it was under
/// way. A fetch that began before the oldest remembered one counts as concerned. Own fetches are put in order by
/// counts, not clocks; what a peer fetched, by the monotonic time at which each change was recorded here. One thread.
class InvalidationLog {
 public:
  using Position = std::uint64_t;

  [[nodiscard]] Position position() const { return m_next; }
  void add(std::span<const github::Tag> tags, base::MonoTime now);
  /// Everything that this token was granted.
  void add(const Fingerprint& fingerprint, base::MonoTime now);

  /// A write that has left and whose end is not known. What is read while it is open may be from before it took effect.
  using OpenWrite = std::uint64_t;
  [[nodiscard]] OpenWrite open(std::vector<Change> changes);
  void close(OpenWrite write);
  /// Its outcome is unknown: it may still take effect, so it stays open until then.
  void linger(OpenWrite write, base::MonoTime until);
  [[nodiscard]] bool is_open_for(const Resource& resource, const Fingerprint& fingerprint) const;
  /// Closes what has lingered long enough, and tells what that may have changed up to now.
  [[nodiscard]] std::vector<Change> expire(base::MonoTime now);

  /// True when something recorded at or after `since` concerns the resource or the token.
  [[nodiscard]] bool concerns(Position since, const Resource& resource, const Fingerprint& fingerprint) const;
  /// When something was last recorded, before position `until`, that concerns the resource or the token; of records
  /// that are forgotten, each may have. Nothing: nothing was since the process began.
  [[nodiscard]] std::optional<base::MonoTime> last_concerning(
      const Resource& resource, const Fingerprint& fingerprint,
      Position until = std::numeric_limits<Position>::max()) const;

 private:
  struct Record {
    Change change;
    base::MonoTime at{};
  };
  struct Open {
    OpenWrite number = 0;
    std::vector<Change> changes;
    base::MonoTime until = base::MonoTime::max();
  };
  void push(Record record);

  static constexpr std::size_t capacity = 4096;
  Position m_next = 0;
  std::deque<Record> m_records;               // the last one has number m_next - 1
  std::optional<base::MonoTime> m_forgotten;  // when the latest forgotten one was recorded
  OpenWrite m_last_open = 0;
  std::list<Open> m_open;  // bounded by the number of exchanges under way
};

}  // namespace ghoard::cache
