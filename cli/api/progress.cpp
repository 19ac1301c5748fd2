#include "cli/api/progress.hpp"

#include <charconv>
#include <string>
#include <unistd.h>

#include "core/http/link.hpp"
#include "core/http/uri.hpp"

namespace ghoard::api {

namespace {

// Progress is no part of the result: a terminal that is gone is not worth an error.
void show(const std::string& text) {
  [[maybe_unused]] const ssize_t count = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

void Progress::page_done(int pages, std::optional<int> of) {
  if (!m_is_terminal || Clock::now() - m_start < std::chrono::seconds(1)) {
    return;
  }
  m_shown = true;
  show("\rpages fetched " + std::to_string(pages) + (of ? " of " + std::to_string(*of) : std::string()) + "\x1b[K");
}

void Progress::erase() {
  if (m_shown) {
    show("\r\x1b[K");
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
