#include "core/cache/answer.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/github/etag.hpp"
#include "core/http/date.hpp"

namespace ghoard::cache {

namespace {

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view candidate) { return http::iequals(name, candidate); });
}

/// Connection-specific fields (RFC 9110 section 7.6.1) and those that describe the framing of this hop.
bool is_framing(std::string_view name) {
  static constexpr std::array<std::string_view, 9> names{"Connection",        "Keep-Alive",     "Proxy-Connection",
                                                         "Transfer-Encoding", "Upgrade",        "TE",
                                                         "Trailer",           "Content-Length", "Proxy-Authenticate"};
  return is_one_of(name, names);
}

/// Fields that belong to one exchange or to the token that made it, never to a stored answer.
bool is_personal(std::string_view name) {
  static constexpr std::array<std::string_view, 9> names{"Set-Cookie",
                                                         "X-OAuth-Scopes",
                                                         "X-OAuth-Client-Id",
                                                         "X-GitHub-SSO",
                                                         "X-GitHub-Request-Id",
                                                         "Cache-Status",
                                                         "Age",
                                                         "ETag",
                                                         "X-Accepted-GitHub-Permissions"};
  constexpr std::string_view rate = "x-ratelimit-";
  return is_one_of(name, names) || http::iequals(name.substr(0, rate.size()), rate) ||
         http::iequals(name, "github-authentication-token-expiration");
}

http::Headers filtered(const http::Headers& received, bool (*drop)(std::string_view)) {
  http::Headers result;
  result.reserve(received.size() + 4);
  for (const http::Header& field : received) {
    if (!drop(field.name)) {
      result.add(field.name, field.value);
    }
  }
  return result;
}

/// RFC 9110 section 13.2.2: If-None-Match decides alone when present.
bool caller_has_it(const Entry& entry, const http::Headers& request) {
  if (entry.response.status != 200) {
    return false;
  }
  if (const std::string* condition = request.find("If-None-Match"); condition != nullptr) {
    return !entry.grant.etag.empty() && github::if_none_match_matches(*condition, entry.grant.etag);
  }
  if (const std::string* since = request.find("If-Modified-Since"); since != nullptr) {
    const auto theirs = http::parse_http_date(*since);
    const auto ours = http::parse_http_date(entry.response.last_modified);
    return theirs.has_value() && ours.has_value() && *ours <= *theirs;
  }
  return false;
}

void finish(Reply& reply, const Entry& entry, const http::Headers& request, bool head) {
  if (!entry.grant.etag.empty()) {
    reply.headers.set("ETag", entry.grant.etag);
  }
  if (caller_has_it(entry, request)) {
    reply.status = 304;
    reply.headers.remove("Content-Type");
    return;
  }
  reply.body = entry.response.body;
  if (head) {
    reply.headers.set("Content-Length", std::to_string(entry.response.body->size()));
    reply.body = nullptr;
  }
}

}  // namespace

http::Headers kept_headers(const http::Headers& received) {
  return filtered(received, [](std::string_view name) { return is_framing(name) || is_personal(name); });
}

http::Headers live_headers(const http::Headers& received) {
  return filtered(received, [](std::string_view name) { return is_framing(name) || http::iequals(name, "Age"); });
}

Reply answer_from(const Entry& entry, const Judgement& judgement, const http::Headers& request, bool head,
                  std::string_view detail) {
  Reply reply;
  reply.status = entry.response.status;
  reply.headers = entry.response.headers;
  reply.headers.add("Age", std::to_string(judgement.age.count()));
  http::CacheStatus status;
  status.hit = true;
  status.ttl = judgement.ttl;
  status.detail = detail;
  reply.headers.add("Cache-Status", http::format_cache_status(status));
  finish(reply, entry, request, head);
  return reply;
}

Reply answer_with(const Entry& entry, const http::CacheStatus& status, const http::Headers& live,
                  const http::Headers& request, bool head) {
  Reply reply;
  reply.status = entry.response.status;
  reply.headers = entry.response.headers;
  const http::Headers fresh = live_headers(live);
  for (const http::Header& field : fresh) {
    reply.headers.remove(field.name);
  }
  for (const http::Header& field : fresh) {
    reply.headers.add(field.name, field.value);
  }
  reply.headers.add("Cache-Status", http::format_cache_status(status));
  finish(reply, entry, request, head);
  return reply;
}

Reply error_reply(int status, std::string_view code, std::string_view message) {
  const nlohmann::json body{{"message", message}, {"ghoard_error", code}};
  Reply reply;
  reply.status = status;
  reply.headers.add("Content-Type", "application/json; charset=utf-8");
  reply.headers.add("Cache-Status", "ghoard; detail=error");
  reply.body = std::make_shared<const std::string>(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return reply;
}

Reply upstream_error_reply(const base::Error& error) {
  if (error.code == base::ErrorCode::timeout) {
    return error_reply(504, "timeout", error.message);
  }
  return error_reply(502, error.code == base::ErrorCode::truncated ? "truncated" : "upstream", error.message);
}

}  // namespace ghoard::cache
