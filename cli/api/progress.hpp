#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace ghoard::api {

/// Where progress is shown, and since when.
struct ProgressPlace {
  int descriptor = -1;  ///< a terminal; negative: nothing is shown
  /// What is written to standard output may get onto the same screen, as it does through most pipes.
  bool shares_screen = true;
  std::chrono::milliseconds delay{1000};
};

/// "waiting for api.github.com", then "pages fetched 3 of 40", in one line of a terminal once a command takes longer
/// than a second. It never meets output: it is erased before each piece, and does not come back on a shared screen.
class Progress {
 public:
  explicit Progress(const ProgressPlace& place) : m_place(place), m_start(Clock::now()) {}
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// A request is on its way. The line appears from a thread of its own, since the caller waits.
  void waiting_for(std::string_view host);
  void page_done(int pages, std::optional<int> of);
  /// Before bytes go to standard output, and before a message goes to standard error.
  void before_output();
  void before_message();
  void end();

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool is_over() const { return m_ended || m_place.descriptor < 0; }
  void set_text(std::string text);
  void show();
  void erase();
  void show_when_due();

  ProgressPlace m_place;
  Clock::time_point m_start;
  std::mutex m_mutex;  ///< guards what follows, and the terminal
  std::condition_variable m_end;
  bool m_ended = false;
  bool m_shown = false;
  bool m_was_shown = false;  ///< the timer has no more work
  std::string m_text;
  std::thread m_timer;
};

/// The number of pages that a `rel="last"` link names; nothing if it names none.
[[nodiscard]] std::optional<int> last_page(std::string_view link_field);

}  // namespace ghoard::api
