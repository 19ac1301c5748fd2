#pragma once

#include <cstdint>

namespace ghoard::cache {

/// Memory that all answers being gathered share. What does not fit is streamed through uncached instead. One thread.
class BufferBudget {
 public:
  explicit BufferBudget(std::uint64_t limit) : m_limit(limit) {}

  [[nodiscard]] bool take(std::uint64_t bytes) {
    if (bytes > m_limit - m_used) {
      return false;
    }
    m_used += bytes;
    return true;
  }
  [[nodiscard]] bool has(std::uint64_t bytes) const { return bytes <= m_limit - m_used; }
  void give_back(std::uint64_t bytes) { m_used -= bytes; }
  [[nodiscard]] std::uint64_t used() const { return m_used; }

 private:
  std::uint64_t m_limit;
  std::uint64_t m_used = 0;
};

/// What all exchanges share.
struct Budgets {
  BufferBudget bytes;      ///< of bodies being gathered or handed on
  BufferBudget exchanges;  ///< flights and relays under way, whether or not anybody still waits for them
};

/// A part of the budget, given back at the end of its owner's life.
class BudgetShare {
 public:
  explicit BudgetShare(BufferBudget& budget) : m_budget(budget) {}
  ~BudgetShare() { release(); }
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;

  [[nodiscard]] bool grow(std::uint64_t bytes) {
    if (!m_budget.take(bytes)) {
      return false;
    }
    m_bytes += bytes;
    return true;
  }
  void release() {
    m_budget.give_back(m_bytes);
    m_bytes = 0;
  }

 private:
  BufferBudget& m_budget;
  std::uint64_t m_bytes = 0;
};

}  // namespace ghoard::cache
