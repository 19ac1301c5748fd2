#include "cli/api/progress.hpp"

#include <charconv>
#include <string>
#include <unistd.h>

#include "core/http/link.hpp"
#include "core/http/uri.hpp"

namespace ghoard::api {

Progress::~Progress() {
  end();
}

void Progress::waiting_for(std::string_view host) {
  if (m_place.descriptor >= 0 && !m_timer.joinable()) {
    set_text("waiting for " + std::string(host));
    m_timer = std::thread([this] { show_when_due(); });
  }
}

void Progress::page_done(int pages, std::optional<int> of) {
  set_text("pages fetched " + std::to_string(pages) + (of ? " of " + std::to_string(*of) : std::string()));
}

void Progress::before_output() {
  const std::lock_guard lock(m_mutex);
  erase();
  m_ended = m_ended || m_place.shares_screen;
}

void Progress::before_message() {
  const std::lock_guard lock(m_mutex);
  erase();
}

void Progress::end() {
  {
    const std::lock_guard lock(m_mutex);
    erase();
    m_ended = true;
  }
  m_end.notify_all();
  if (m_timer.joinable()) {
    m_timer.join();
  }
}

void Progress::set_text(std::string text) {
  const std::lock_guard lock(m_mutex);
  m_text = std::move(text);
  if (Clock::now() - m_start >= m_place.delay) {
    show();
  }
}

void Progress::show_when_due() {
  std::unique_lock lock(m_mutex);
  m_end.wait_until(lock, m_start + m_place.delay, [this] { return m_ended; });
  if (!m_was_shown) {
    show();
  }
}

// Progress is no part of the result: a terminal that is gone is not worth an error.
void Progress::show() {
  if (is_over()) {
    return;
  }
  const std::string line = "\r" + m_text + "\x1b[K";
  [[maybe_unused]] const ssize_t count = ::write(m_place.descriptor, line.data(), line.size());
  m_shown = true;
  m_was_shown = true;
}

void Progress::erase() {
  if (m_shown) {
    constexpr std::string_view line = "\r\x1b[K";
    [[maybe_unused]] const ssize_t count = ::write(m_place.descriptor, line.data(), line.size());
    m_shown = false;
  }
}

std::optional<int> last_page(std::string_view link_field) {
  const std::optional<std::string> last = http::find_link(link_field, "last");
  if (!last) {
    return std::nullopt;
  }
  for (const auto& [name, value] : http::split_query(http::split_target(*last).second)) {
    int number = 0;
    if (name == "page" && std::from_chars(value.data(), value.data() + value.size(), number).ec == std::errc()) {
      return number;
    }
  }
  return std::nullopt;
}

}  // namespace ghoard::api
