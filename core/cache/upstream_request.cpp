#include "core/cache/upstream_request.hpp"

#include <algorithm>
#include <array>

namespace ghoard::cache {

namespace {

bool is_for_this_hop(std::string_view name) {
  static constexpr std::array<std::string_view, 15> names{"Connection",
                                                          "Keep-Alive",
                                                          "Proxy-Connection",
                                                          "Proxy-Authorization",
                                                          "Transfer-Encoding",
                                                          "Upgrade",
                                                          "TE",
                                                          "Trailer",
                                                          "Host",
                                                          "Content-Length",
                                                          "Expect",
                                                          "Accept-Encoding",
                                                          "User-Agent",
                                                          "Authorization",
                                                          "Cache-Control"};
  const bool named = std::any_of(names.begin(), names.end(),
                                 [&](std::string_view candidate) { return http::iequals(name, candidate); });
  const std::string lower = http::to_lower(name);
  return named || lower.starts_with("ghoard-") || lower.starts_with("x-gh-cache-");
}

}  // namespace

UpstreamRequest fetch_request(const github::CanonicalRequest& request, const std::string& user_agent) {
  UpstreamRequest result;
  result.method = "GET";
  result.origin = request.origin;
  result.target = request.target;
  result.headers.add("Accept", request.resource.accept);
  if (!request.credential.authorization.empty()) {
    result.headers.add("Authorization", request.credential.authorization);
  }
  result.headers.add("X-GitHub-Api-Version", request.resource.api_version);
  result.headers.add("User-Agent", user_agent);
  return result;
}

UpstreamRequest pass_request(const github::CanonicalRequest& request, IncomingRequest& incoming,
                             const std::string& user_agent, bool with_credential) {
  UpstreamRequest result;
  result.method = request.method;
  result.origin = request.origin;
  result.target = request.target;
  for (const http::Header& field : incoming.headers) {
    if (!is_for_this_hop(field.name)) {
      result.headers.add(field.name, field.value);
    }
  }
  if (with_credential && !request.credential.authorization.empty()) {
    result.headers.add("Authorization", request.credential.authorization);
  }
  result.headers.add("User-Agent", user_agent);
  result.body = std::move(incoming.body);
  result.stream = std::move(incoming.stream);
  result.content_length = incoming.content_length;
  return result;
}

}  // namespace ghoard::cache
