#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace ghoard::mesh {

/// Which digests sent to one peer are not answered yet. They are numbered from 1 on, here only: a link keeps the order,
/// so the oldest that an answer may belong to is what it proves. A peer may leave some unanswered: no more than four of
/// a kind are waited for.
class FloodQuestions {
 public:
  static constexpr std::size_t most_due = 4;

  /// The number of the latest.
  [[nodiscard]] std::uint64_t asked() const { return m_asked; }
  /// LogEnd may answer now.
  [[nodiscard]] bool is_end_due() const { return !m_ends.empty() || !m_briefs.empty(); }
  [[nodiscard]] bool is_list_due() const { return !m_lists.empty(); }

  void ask_brief() { push(m_briefs); }
  /// A list came that answers no list: it stands for the end that a brief one may have had.
  void drop_brief() {
    if (!m_briefs.empty()) {
      static_cast<void>(pop(m_briefs));
    }
  }
  /// An end is due once each side has the other's list: nobody can know before what the other one misses.
  void ask_list(bool answer) { push(answer ? m_ends : m_lists); }
  /// A list that answers one came. `is_list_due` has to be true.
  void take_list() {
    const std::uint64_t number = pop(m_lists);
    m_ends.insert(std::upper_bound(m_ends.begin(), m_ends.end(), number), number);
    bound(m_ends);
  }
  /// The number of the oldest that LogEnd may answer, which is not due any more.
  [[nodiscard]] std::optional<std::uint64_t> take_end() {
    if (!is_end_due()) {
      return std::nullopt;
    }
    const bool is_brief = m_ends.empty() || (!m_briefs.empty() && m_briefs.front() < m_ends.front());
    return pop(is_brief ? m_briefs : m_ends);
  }

 private:
  using Numbers = std::vector<std::uint64_t>;  // ascending
  static void bound(Numbers& due) {
    if (due.size() > most_due) {
      due.erase(due.begin());
    }
  }
  [[nodiscard]] static std::uint64_t pop(Numbers& due) {
    const std::uint64_t number = due.front();
    due.erase(due.begin());
    return number;
  }
  void push(Numbers& due) {
    due.push_back(++m_asked);
    bound(due);
  }

  std::uint64_t m_asked = 0;
  Numbers m_briefs;
  Numbers m_ends;
  Numbers m_lists;  // for which a list has to come first
};

}  // namespace ghoard::mesh
