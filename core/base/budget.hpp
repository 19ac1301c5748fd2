#pragma once

#include <cstdint>
#include <utility>

namespace ghoard::base {

/// So much of something, most often bytes of memory, for all that share it. Outlives its shares. One thread.
class Budget {
 public:
  explicit Budget(std::uint64_t limit) : m_limit(limit) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  /// False, and nothing changes, if it has not got that much left.
  [[nodiscard]] bool take(std::uint64_t amount) {
    if (!has(amount)) {
      return false;
    }
    m_used += amount;
    return true;
  }
  [[nodiscard]] bool has(std::uint64_t amount) const { return amount <= m_limit - m_used; }
  void give_back(std::uint64_t amount) { m_used -= amount; }
  [[nodiscard]] std::uint64_t used() const { return m_used; }

 private:
  const std::uint64_t m_limit;
  std::uint64_t m_used = 0;
};

/// A part of a budget, given back at the end of its owner's life. Move-only.
class BudgetShare {
 public:
  explicit BudgetShare(Budget& budget) : m_budget(&budget) {}
  ~BudgetShare() { release(); }
  BudgetShare(BudgetShare&& other) noexcept : m_budget(other.m_budget), m_amount(std::exchange(other.m_amount, 0)) {}
  BudgetShare& operator=(BudgetShare&&) = delete;

  /// So much more. False, and nothing changes, if the budget has not got that.
  [[nodiscard]] bool grow(std::uint64_t amount) {
    if (!m_budget->take(amount)) {
      return false;
    }
    m_amount += amount;
    return true;
  }
  /// The same up to a total of so much, which is not less than the share has.
  [[nodiscard]] bool grow_to(std::uint64_t total) { return grow(total - m_amount); }
  void release() { m_budget->give_back(std::exchange(m_amount, 0)); }

 private:
  Budget* m_budget;
  std::uint64_t m_amount = 0;
};

}  // namespace ghoard::base
