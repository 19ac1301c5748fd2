#include "cli/agent/log.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <sys/stat.h>
#include <unistd.h>

namespace ghoard::agent {

namespace {

constexpr double burst = 40;
constexpr double per_second = 2;
constexpr std::size_t longest_text = 1000;
constexpr off_t largest_file = off_t{8} << 20;

std::string_view name_of(Log::Level level) {
  switch (level) {
    case Log::Level::info: return "info";
    case Log::Level::warning: return "warning";
    case Log::Level::error: return "error";
  }
  return "info";
}

/// RFC 3339 in UTC, to the second.
std::string timestamp(base::WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 48> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02ld:%02ld:%02ldZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<long>(clock.hours().count()),
      static_cast<long>(clock.minutes().count()), static_cast<long>(clock.seconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

/// An agent may live for months: a log file that has grown too large begins anew. (Each start keeps the one before.)
void keep_bounded(int descriptor) {
  struct stat file {};
  if (::fstat(descriptor, &file) == 0 && S_ISREG(file.st_mode) && file.st_size > largest_file) {
    [[maybe_unused]] const int cut = ::ftruncate(descriptor, 0);
  }
}

}  // namespace

void Log::line(Level level, std::string_view text) {
  if (level < m_least) {
    return;
  }
  if (!may_write()) {
    ++m_left_out;
    return;
  }
  if (m_left_out > 0) {
    put(Level::warning, std::to_string(m_left_out) + " lines were left out");
    m_left_out = 0;
  }
  put(level, text);
}

bool Log::may_write() {
  const base::MonoTime now = m_clock.mono();
  const double gained = std::chrono::duration<double>(now - m_filled).count() * per_second;
  m_tokens = std::min(burst, m_tokens + std::max(0.0, gained));
  m_filled = now;
  if (m_tokens < 1) {
    return false;
  }
  m_tokens -= 1;
  return true;
}

void Log::put(Level level, std::string_view text) {
  std::string line = timestamp(m_clock.wall()) + " " + std::string(name_of(level)) + " ";
  for (const char c : text.substr(0, longest_text)) {
    line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  line += '\n';
  keep_bounded(m_descriptor);
  // One write, so that lines of two processes do not mix; a full disk is no reason to stop.
  [[maybe_unused]] const ssize_t written = ::write(m_descriptor, line.data(), line.size());
}

}  // namespace ghoard::agent
