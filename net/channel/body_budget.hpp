#pragma once

#include <cstdint>
#include <utility>

namespace ghoard::channel {

/// Memory that the bodies being gathered by all channels share: 64 MiB for the overlay. What does not fit is cancelled.
/// As much again may be set aside ahead of the bytes: address space that nothing has touched, so that a body need not
/// be copied as it grows. Outlives the channels. One thread.
class BodyBudget {
 public:
  explicit BodyBudget(std::uint64_t limit) : m_limit(limit) {}
  BodyBudget(const BodyBudget&) = delete;
  BodyBudget& operator=(const BodyBudget&) = delete;

  [[nodiscard]] bool take(std::uint64_t bytes) {
    if (bytes > m_limit - m_used) {
      return false;
    }
    m_used += bytes;
    return true;
  }
  void give_back(std::uint64_t bytes) { m_used -= bytes; }
  [[nodiscard]] std::uint64_t used() const { return m_used; }

  [[nodiscard]] bool take_ahead(std::uint64_t bytes) {
    if (bytes > m_limit - m_ahead) {
      return false;
    }
    m_ahead += bytes;
    return true;
  }
  void give_back_ahead(std::uint64_t bytes) { m_ahead -= bytes; }
  [[nodiscard]] std::uint64_t ahead() const { return m_ahead; }

 private:
  std::uint64_t m_limit;
  std::uint64_t m_used = 0;
  std::uint64_t m_ahead = 0;
};

/// A part of the budget, given back at the end of its owner's life. Move-only.
class BodyShare {
 public:
  explicit BodyShare(BodyBudget& budget) : m_budget(&budget) {}
  ~BodyShare() { release(); }
  BodyShare(BodyShare&& other) noexcept
      : m_budget(other.m_budget), m_bytes(std::exchange(other.m_bytes, 0)), m_ahead(std::exchange(other.m_ahead, 0)) {}
  BodyShare& operator=(BodyShare&&) = delete;

  /// False, and nothing changes, if the budget has not got that much more.
  [[nodiscard]] bool grow_to(std::uint64_t bytes) {
    if (!m_budget->take(bytes - m_bytes)) {
      return false;
    }
    m_bytes = bytes;
    return true;
  }
  /// So much address space more, which stays set aside until the end. False, and nothing changes, if there is none.
  [[nodiscard]] bool set_aside(std::uint64_t bytes) {
    if (!m_budget->take_ahead(bytes)) {
      return false;
    }
    m_ahead += bytes;
    return true;
  }
  void release() {
    m_budget->give_back(std::exchange(m_bytes, 0));
    m_budget->give_back_ahead(std::exchange(m_ahead, 0));
  }

 private:
  BodyBudget* m_budget;
  std::uint64_t m_bytes = 0;
  std::uint64_t m_ahead = 0;
};

}  // namespace ghoard::channel
