// Cache-Control and Pragma in any shape: numbers stay in bounds, and what is written is read back the same.
// links: ghoard_core_http

#include "core/http/cache_control.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

namespace {

void check_bounds(const std::optional<base::Seconds>& value, bool may_be_unbounded) {
  require(!value || (value->count() >= 0 && value->count() <= 2147483648) ||
              (may_be_unbounded && *value == base::Seconds::max()),
          "seconds are between 0 and 2^31");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  http::Headers headers;
  headers.add("Pragma", std::string(fuzz::take_line(rest)));
  while (!rest.empty() && headers.size() < 20) {
    headers.add("Cache-Control", std::string(fuzz::take_line(rest)));
  }
  const http::RequestDirectives read = http::parse_request_directives(headers);
  check_bounds(read.max_age, false);
  check_bounds(read.max_stale, true);
  check_bounds(read.min_fresh, false);
  check_bounds(read.stale_if_error, false);
  check_bounds(http::parse_response_directives(headers).max_age, false);

  const std::string written = http::format_request_directives(read);
  require(http::parse_request_directives({{"Cache-Control", written}}) == read, "directives survive a round trip");
  require(written.empty() == (read == http::RequestDirectives{}), "nothing is written for nothing asked");
  return 0;
}
