#include "core/http/date.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

namespace ghoard::http {

namespace {

constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_weekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                        "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr base::Seconds longest_wait{24 * 3600};

/// Consumes a date from the left; every step says whether the text went on as expected.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : m_rest(text) {}

  bool literal(std::string_view expected) {
    if (!m_rest.starts_with(expected)) {
      return false;
    }
    m_rest.remove_prefix(expected.size());
    return true;
  }

  /// One of the words; its index goes to `index`.
  bool word(std::span<const std::string_view> words, unsigned& index) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (literal(words[i])) {
        index = static_cast<unsigned>(i);
        return true;
      }
    }
    return false;
  }

  /// Exactly `count` digits.
  bool digits(std::size_t count, unsigned& value) {
    if (m_rest.size() < count) {
      return false;
    }
    value = 0;
    for (const char c : m_rest.substr(0, count)) {
      if (c < '0' || c > '9') {
        return false;
      }
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    m_rest.remove_prefix(count);
    return true;
  }

  [[nodiscard]] bool done() const { return m_rest.empty(); }

 private:
  std::string_view m_rest;
};

struct Parts {
  unsigned weekday = 0;
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
};

bool time_of_day(Scanner& in, Parts& parts) {
  return in.digits(2, parts.hour) && in.literal(":") && in.digits(2, parts.minute) && in.literal(":") &&
         in.digits(2, parts.second);
}

/// IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT".
bool imf_fixdate(Scanner in, Parts& parts) {
  return in.word(weekdays, parts.weekday) && in.literal(", ") && in.digits(2, parts.day) && in.literal(" ") &&
         in.word(months, parts.month) && in.literal(" ") && in.digits(4, parts.year) && in.literal(" ") &&
         time_of_day(in, parts) && in.literal(" GMT") && in.done();
}

/// RFC 850: "Sunday, 06-Nov-94 08:49:37 GMT". RFC 9110 section 5.6.7 lets a year more than 50 years ahead mean the
/// past; core has no clock, so the century turns at 69 as in POSIX.
bool rfc850_date(Scanner in, Parts& parts) {
  const bool matched = in.word(long_weekdays, parts.weekday) && in.literal(", ") && in.digits(2, parts.day) &&
                       in.literal("-") && in.word(months, parts.month) && in.literal("-") && in.digits(2, parts.year) &&
                       in.literal(" ") && time_of_day(in, parts) && in.literal(" GMT") && in.done();
  parts.year += parts.year < 69 ? 2000 : 1900;
  return matched;
}

/// asctime: "Sun Nov  6 08:49:37 1994", the day padded with a space.
bool asctime_date(Scanner in, Parts& parts) {
  return in.word(weekdays, parts.weekday) && in.literal(" ") && in.word(months, parts.month) && in.literal(" ") &&
         (in.literal(" ") ? in.digits(1, parts.day) : in.digits(2, parts.day)) && in.literal(" ") &&
         time_of_day(in, parts) && in.literal(" ") && in.digits(4, parts.year) && in.done();
}

std::optional<base::WallTime> to_time(const Parts& parts) {
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(parts.year)},
                                         std::chrono::month{parts.month + 1}, std::chrono::day{parts.day}};
  // A leap second is part of the grammar; it becomes the first second of the next minute.
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) {
    return std::nullopt;
  }
  return std::chrono::sys_days{date} + std::chrono::hours{parts.hour} + std::chrono::minutes{parts.minute} +
         base::Seconds{parts.second};
}

void append_number(std::string& text, unsigned value, std::size_t width) {
  std::array<char, 10> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const std::string_view number(digits.data(), static_cast<std::size_t>(end - digits.data()));
  text.append(width > number.size() ? width - number.size() : 0, '0');
  text += number;
}

}  // namespace

std::optional<base::WallTime> parse_http_date(std::string_view text) {
  // The weekday is not held against the date: it says nothing more, and senders are known to get it wrong.
  Parts parts;
  const Scanner in(text);
  if (imf_fixdate(in, parts) || rfc850_date(in, parts) || asctime_date(in, parts)) {
    return to_time(parts);
  }
  return std::nullopt;
}

std::string format_http_date(base::WallTime time) {
  using namespace std::chrono;
  // The form has four digits for the year; times outside are held at its ends.
  const sys_seconds first = sys_days{year{0} / January / 1};
  const sys_seconds last = sys_seconds{sys_days{year{10000} / January / 1}} - seconds{1};
  const sys_seconds moment = std::clamp(floor<seconds>(time), first, last);
  const sys_days days = floor<std::chrono::days>(moment);
  const year_month_day date{days};
  const hh_mm_ss<seconds> clock{moment - days};

  std::string text;
  text.reserve(29);
  text += weekdays[weekday{days}.c_encoding()];
  text += ", ";
  append_number(text, static_cast<unsigned>(date.day()), 2);
  text += ' ';
  text += months[static_cast<unsigned>(date.month()) - 1];
  text += ' ';
  append_number(text, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  text += ' ';
  append_number(text, static_cast<unsigned>(clock.hours().count()), 2);
  text += ':';
  append_number(text, static_cast<unsigned>(clock.minutes().count()), 2);
  text += ':';
  append_number(text, static_cast<unsigned>(clock.seconds().count()), 2);
  text += " GMT";
  return text;
}

std::optional<base::Seconds> parse_retry_after(std::string_view text, base::WallTime now) {
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    // Digits alone can only fail by being too large.
    return error == std::errc() ? std::min(base::Seconds{seconds}, longest_wait) : longest_wait;
  }
  const std::optional<base::WallTime> date = parse_http_date(text);
  if (!date) {
    return std::nullopt;
  }
  // Compared before subtracting: `now` may be anything.
  if (*date <= now) {
    return base::Seconds{0};
  }
  if (now < *date - longest_wait) {
    return longest_wait;
  }
  return std::chrono::ceil<base::Seconds>(*date - now);
}

}  // namespace ghoard::http
