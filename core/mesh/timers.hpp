#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>

#include "core/base/time.hpp"

namespace ghoard::mesh {

/// Things to do later, driven by whoever knows the time. One thread.
class Timers {
 public:
  using Id = std::uint64_t;
  static constexpr Id none = 0;

  Id at(base::MonoTime when, std::function<void()> action) {
    const Id id = ++m_last;
    m_when.emplace(id, when);
    m_queue.emplace(std::pair(when, id), std::move(action));
    return id;
  }

  /// Nothing happens if it has run or was never set.
  void cancel(Id id) {
    if (const auto found = m_when.find(id); found != m_when.end()) {
      m_queue.erase(std::pair(found->second, id));
      m_when.erase(found);
    }
  }

  /// Runs what is due; what those actions add runs the next time.
  void run(base::MonoTime now) {
    const Id last = m_last;
    while (!m_queue.empty()) {
      const auto first = m_queue.begin();
      if (first->first.first > now || first->first.second > last) {
        return;
      }
      const std::function<void()> action = std::move(first->second);
      m_when.erase(first->first.second);
      m_queue.erase(first);
      action();
    }
  }

  [[nodiscard]] base::MonoTime next() const {
    return m_queue.empty() ? base::MonoTime::max() : m_queue.begin()->first.first;
  }

 private:
  Id m_last = none;
  std::map<std::pair<base::MonoTime, Id>, std::function<void()>> m_queue;
  std::unordered_map<Id, base::MonoTime> m_when;
};

}  // namespace ghoard::mesh
