#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace ghoard::api {

/// "pages fetched 3 of 40" on a terminal's standard error once --paginate takes longer than a second; erased at the
/// end.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Progress(bool is_terminal) : m_is_terminal(is_terminal), m_start(Clock::now()) {}

  void page_done(int pages, std::optional<int> of);
  void erase();

 private:
  bool m_is_terminal;
  bool m_shown = false;
  Clock::time_point m_start;
};

/// The number of pages that a `rel="last"` link names; nothing if it names none.
[[nodiscard]] std::optional<int> last_page(std::string_view link_field);

}  // namespace ghoard::api
