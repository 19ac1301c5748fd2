// Cache-Status fields of any caches on the way: what is understood survives a round trip.
// links: ghoard_core_http

#include "core/http/cache_status.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const std::optional<http::CacheStatus> status = http::parse_cache_status(text);
  if (!status) {
    return 0;
  }
  const std::string written = http::format_cache_status(*status);
  require(written.find_first_of("\r\n") == std::string::npos, "no line break is written");
  require(http::parse_cache_status(written) == status, "an entry survives a round trip");
  require(http::parse_cache_status("other; hit, " + written) == status, "entries before it change nothing");
  return 0;
}
