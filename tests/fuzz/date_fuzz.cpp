// HTTP-dates and Retry-After: what is a date survives a round trip, what is a wait is within a day.
// links: ghoard_core_http

#include <cstring>

#include "core/http/date.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const std::optional<base::WallTime> date = http::parse_http_date(text)) {
    // 31 December 9999 23:59:60 is the one date whose moment has no form.
    const std::string written = http::format_http_date(*date);
    require(http::parse_http_date(written) == date || text.find(":60 ") != std::string_view::npos,
            "a date survives a round trip");
  }
  base::WallTime now{};
  if (size >= sizeof(std::int64_t)) {
    std::int64_t count = 0;
    std::memcpy(&count, data, sizeof count);
    now = base::WallTime{base::Millis{count}};
  }
  const std::string form = http::format_http_date(now);
  require(form.size() == 29 && http::parse_http_date(form).has_value(), "every moment has a form");
  require(http::format_http_date(*http::parse_http_date(form)) == form, "a form is stable");
  if (const std::optional<base::Seconds> wait = http::parse_retry_after(text, now)) {
    require(wait->count() >= 0 && wait->count() <= 86400, "a wait is between nothing and a day");
  }
  return 0;
}
