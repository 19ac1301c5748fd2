// Requests in any shape: the canonical form is a fixed point, is safe on the wire, and holds no token.
// Input lines: method, target, then header fields "name: value".
// links: ghoard_core_github

#include <algorithm>

#include "core/github/canonical.hpp"
#include "core/github/invalidation.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

namespace {

http::Headers read_headers(std::string_view rest) {
  http::Headers headers;
  while (!rest.empty() && headers.size() < 30) {
    const std::string_view line = fuzz::take_line(rest);
    const std::size_t colon = std::min(line.find(':'), line.size());
    headers.add(std::string(line.substr(0, colon)), std::string(line.substr(std::min(line.size(), colon + 1))));
  }
  return headers;
}

bool stands_raw(std::string_view target) {
  return std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

/// The canonical form, sent as a request of its own, is its own canonical form. The base URL's prefix is put in front
/// of what is asked of api.github.com; an enterprise prefix is in the resource already.
void check_fixed_point(const github::CanonicalRequest& request, const github::OriginMap& origins) {
  const bool add_prefix = request.origin == origins.github_api && origins.github_prefix != "/api/v3";
  const std::string target =
      request.resource.path + (request.resource.query.empty() ? "" : "?" + request.resource.query);
  const http::Headers headers{{"Host", add_prefix ? "api.github.com" : request.resource.host},
                              {"Accept", request.resource.accept},
                              {"X-GitHub-Api-Version", request.resource.api_version},
                              {"Authorization", request.credential.authorization}};
  const base::Result<github::CanonicalRequest> again = github::canonicalise("GET", target, headers, origins);
  if (target.size() > 64 * 1024) {
    return;
  }
  require(again.has_value(), "a canonical request is a request");
  require(again->resource == request.resource && again->key == request.key, "the canonical form is a fixed point");
  require(again->credential.authorization == request.credential.authorization &&
              again->credential.fingerprint == request.credential.fingerprint,
          "the canonical credential is a fixed point");
}

void check(std::string_view input, const github::OriginMap& origins) {
  const std::string_view method = fuzz::take_line(input);
  const std::string_view target = fuzz::take_line(input);
  http::Headers headers = read_headers(input);
  if (!headers.contains("Host")) {
    headers.add("Host", "api.github.com");
  }
  const base::Result<github::CanonicalRequest> request = github::canonicalise(method, target, headers, origins);
  if (!request) {
    require(!request.error().message.empty(), "a refusal has a reason");
    return;
  }
  require(request->target.starts_with('/') && stands_raw(request->target), "a target can stand in a request line");
  require(request->resource.path.starts_with('/') && stands_raw(request->resource.path), "a path is canonical");
  require(request->is_read() || request->bypass == github::Bypass::method, "only reads are cached");
  require(request->resource.host == request->origin.authority(), "the key's host is the one that is asked");
  for (const github::Tag& tag : github::affected_by_write(request->resource.host, request->resource.path)) {
    require(tag.prefix.empty() || tag.prefix.starts_with('/'), "a tag is a path or everything");
  }
  if (request->bypass == github::Bypass::none) {
    check_fixed_point(*request, origins);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  check(input, {});
  check(input, {{"http", "127.0.0.1", 8080}, "/base"});
  check(input, {{"https", "ghe.example", 443}, "/api/v3"});
  return 0;
}
