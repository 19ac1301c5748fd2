// URLs, locations and escapes: what is accepted is stable, has no control characters, and stays on its host.
// links: ghoard_core_http

#include <algorithm>

#include "core/http/uri.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

namespace {

bool stands_raw(std::string_view target) {
  return std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

void check_url(const http::Url& url) {
  require(url.target.starts_with('/') && stands_raw(url.target), "a target can stand in a request line");
  require(url.origin.port != 0 && !url.origin.host.empty(), "an origin has a host and a port");
  const base::Result<http::Url> again = http::parse_url(url.origin.url() + url.target);
  if (url.target.size() < 60'000) {
    require(again && again->origin == url.origin && again->target == url.target, "a URL survives a round trip");
  }
  const base::Result<http::Origin> origin = http::parse_authority(url.origin.authority(), url.origin.scheme);
  require(origin && *origin == url.origin, "an authority survives a round trip");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  const std::string_view first = fuzz::take_line(rest);

  const std::string encoded = http::encode_target(first);
  require(stands_raw(encoded) && http::encode_target(encoded) == encoded, "encoding a target is idempotent");
  require(http::decode_percent(http::encode_component(first)) == first, "a component survives a round trip");
  require(http::decode_percent(http::encode_query_component(first), true) == first,
          "a form value survives a round trip");
  require(http::decode_percent(first).size() <= first.size(), "decoding never grows");
  for (const auto& [key, value] : http::split_query(first)) {
    require(key.find('=') == std::string::npos && (key + value).find('&') == std::string::npos, "a query is split");
  }

  const http::Url fixed{{"https", "api.github.com", 443}, "/repos/o/r?page=2"};
  if (const base::Result<http::Url> target = http::resolve(fixed, first)) {
    check_url(*target);
    require(http::split_target(target->target).first.find("/../") == std::string_view::npos,
            "no dot segment is left in a resolved path");
  }
  if (const base::Result<http::Url> url = http::parse_url(first)) {
    check_url(*url);
    if (const base::Result<http::Url> target = http::resolve(*url, rest)) {
      check_url(*target);
      const base::Result<http::Url> again = http::resolve(*url, target->origin.url() + target->target);
      require(target->target.size() > 60'000 || (again && again->target == target->target), "resolving is idempotent");
    }
  }
  return 0;
}
