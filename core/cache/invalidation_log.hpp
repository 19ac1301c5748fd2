#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "core/cache/entry.hpp"
#include "core/github/invalidation.hpp"

namespace ghoard::cache {

/// The latest invalidations in order, so that a fetch can tell whether one that concerns it happened while it was under
/// way. A fetch that began before the oldest remembered one counts as concerned. Counts, not clocks. One thread.
class InvalidationLog {
 public:
  using Position = std::uint64_t;

  [[nodiscard]] Position position() const { return m_next; }
  void add(std::span<const github::Tag> tags);
  /// Everything that this token was granted.
  void add(const Fingerprint& fingerprint);

  /// True when something recorded at or after `since` concerns the resource or the token.
  [[nodiscard]] bool concerns(Position since, const Resource& resource, const Fingerprint& fingerprint) const;

 private:
  struct Record {
    std::optional<github::Tag> tag;
    Fingerprint fingerprint;
  };
  void push(Record record);

  static constexpr std::size_t capacity = 4096;
  Position m_next = 0;
  std::deque<Record> m_records;  // the last one has number m_next - 1
};

}  // namespace ghoard::cache
