#include "core/github/canonical.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/github/api_path.hpp"
#include "core/github/canonical_target.hpp"
#include "core/github/routes.hpp"
#include "core/http/uri.hpp"

namespace ghoard::github {

namespace {

using base::ErrorCode;
using base::fail;

constexpr std::size_t longest_target = 64 * 1024;
constexpr std::size_t longest_method = 32;

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_method(std::string_view text) {
  return !text.empty() && text.size() <= longest_method && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// ---- headers ------------------------------------------------------------------------------------

/// What a cacheable request may carry. Those that change no byte of the answer are ignored, the others are part of the
/// canonical form; with any other header the request bypasses the cache, since nobody knows what it does.
constexpr std::array<std::string_view, 22> known_headers{"Host",
                                                         "Accept",
                                                         "Authorization",
                                                         "User-Agent",
                                                         "X-GitHub-Api-Version",
                                                         "Accept-Encoding",
                                                         "Content-Type",
                                                         "Time-Zone",
                                                         "Cache-Control",
                                                         "Pragma",
                                                         "If-None-Match",
                                                         "If-Modified-Since",
                                                         "Connection",
                                                         "Keep-Alive",
                                                         "Proxy-Connection",
                                                         "TE",
                                                         "Trailer",
                                                         "Upgrade",
                                                         "Content-Length",
                                                         "Expect",
                                                         "Transfer-Encoding",
                                                         "Proxy-Authorization"};

bool has_prefix(std::string_view name, std::string_view prefix) {
  return http::iequals(name.substr(0, prefix.size()), prefix);
}

/// Fields that fetch() of browsers and Node adds to everything and that ask for nothing.
bool says_nothing(const http::Header& field) {
  return (http::iequals(field.name, "Accept-Language") && http::trim(field.value) == "*") ||
         has_prefix(field.name, "Sec-Fetch-");
}

bool is_known(const http::Header& field) {
  return std::any_of(known_headers.begin(), known_headers.end(),
                     [&](std::string_view name) { return http::iequals(field.name, name); }) ||
         has_prefix(field.name, "Ghoard-") || has_prefix(field.name, "X-Gh-Cache-") || says_nothing(field);
}

bool announces_body(const http::Header& field) {
  return http::iequals(field.name, "Transfer-Encoding") ||
         (http::iequals(field.name, "Content-Length") && http::trim(field.value) != "0");
}

/// One pass over the header fields.
struct HeaderFacts {
  const std::string* host = nullptr;
  const std::string* authorization = nullptr;
  bool ambiguous = false;  ///< two Host or Authorization fields
  bool range = false;
  bool unknown = false;
  bool body = false;
};

HeaderFacts look_at(const http::Headers& headers) {
  HeaderFacts facts;
  for (const http::Header& field : headers) {
    if (http::iequals(field.name, "Host")) {
      facts.ambiguous = facts.ambiguous || facts.host != nullptr;
      facts.host = &field.value;
    } else if (http::iequals(field.name, "Authorization")) {
      facts.ambiguous = facts.ambiguous || facts.authorization != nullptr;
      facts.authorization = &field.value;
    } else if (http::iequals(field.name, "Range")) {
      facts.range = true;
    } else if (!is_known(field)) {
      facts.unknown = true;
    } else {
      facts.body = facts.body || announces_body(field);
    }
  }
  return facts;
}

// ---- the server ---------------------------------------------------------------------------------

struct Place {
  http::Origin origin;
  std::string target;     ///< for the wire
  std::size_t below = 0;  ///< how much of `target` the base URL's prefix takes
  bool outside = false;   ///< on the base URL's server, but not below its path
};

bool is_github_api(const http::Origin& origin) {
  return origin.port == 443 && origin.host == "api.github.com";
}

bool is_below(std::string_view target, std::string_view prefix) {
  return target.starts_with(prefix) &&
         (target.size() == prefix.size() || target[prefix.size()] == '/' || target[prefix.size()] == '?');
}

/// Where a request goes. The prefix of the configured base URL is put in front for api.github.com, and looked for where
/// the caller names the configured server itself, as the Link headers of that server do. The enterprise prefix stays in
/// resources: it is understood everywhere, and what lies beside it (uploads, GraphQL) belongs to the same server.
base::Result<Place> place_of(std::string_view host, std::string_view target, const OriginMap& origins) {
  base::Result<http::Origin> origin = origins.origin_of(host);
  if (!origin) {
    return tl::unexpected(origin.error());
  }
  Place place;
  place.target = http::encode_target(target);
  if (!origins.github_prefix.empty() && *origin == origins.github_api) {
    const base::Result<http::Origin> named = http::parse_authority(host, "https");
    const std::string prefix = http::encode_target(origins.github_prefix);
    if (named && is_github_api(*named)) {
      place.target.insert(0, prefix);
    }
    if (enterprise_prefix(prefix) != prefix.size()) {
      place.outside = !is_below(place.target, prefix);
      place.below = place.outside ? 0 : prefix.size();
    }
  }
  place.origin = *std::move(origin);
  return place;
}

/// Tokens do not belong into a URL; where somebody puts one, it is not written into the database.
bool query_holds_secret(std::string_view query) {
  for (const std::string_view name : {"access_token=", "client_secret=", "token="}) {
    const std::size_t at = query.find(name);
    if (at != std::string_view::npos && (at == 0 || query[at - 1] == '&')) {
      return true;
    }
  }
  return false;
}

Bypass bypass_of(const CanonicalRequest& request, const HeaderFacts& facts, bool uncertain) {
  if (!request.is_read()) {
    return Bypass::method;
  }
  if (facts.range) {
    return Bypass::range;
  }
  if (request.directives.no_store) {
    return Bypass::no_store;
  }
  if (facts.unknown || facts.body) {
    return Bypass::header;
  }
  return uncertain || query_holds_secret(request.resource.query) || classify(request.resource).never ? Bypass::route
                                                                                                     : Bypass::none;
}

// ---- the key ------------------------------------------------------------------------------------

void append_part(std::string& text, std::string_view part) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    text += static_cast<char>(part.size() >> shift & 0xff);
  }
  text += part;
}

// ---- credentials --------------------------------------------------------------------------------

/// The `token68` of RFC 9110 section 11.2: what tokens and JWTs are made of.
bool is_token68(std::string_view text) {
  const std::size_t end = std::min(text.find_last_not_of('=') + 1, text.size());
  return end > 0 && std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
           return is_alnum(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
         });
}

bool is_base64url(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

/// A JSON Web Token: three dot-separated parts, the first of which is JSON and so begins with `{"`.
bool is_jwt(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  return second != std::string_view::npos && token.starts_with("eyJ") && is_base64url(token.substr(0, first)) &&
         is_base64url(token.substr(first + 1, second - first - 1)) && is_base64url(token.substr(second + 1));
}

}  // namespace

ResourceKey key_of(const Resource& resource) {
  std::string text;
  text.reserve(21 + resource.host.size() + resource.path.size() + resource.query.size() + resource.accept.size() +
               resource.api_version.size());
  text += '1';  // the form of keys; another form gets another number
  append_part(text, resource.host);
  append_part(text, resource.path);
  append_part(text, resource.query);
  append_part(text, resource.accept);
  append_part(text, resource.api_version);
  return base::sha256(text);
}

Fingerprint anonymous_fingerprint() {
  return {};  // no token is known to hash to zero
}

Credential canonical_credential(std::string_view authorization) {
  authorization = http::trim(authorization);
  if (authorization.empty()) {
    return {};
  }
  const std::size_t space = authorization.find_first_of(" \t");
  const std::string_view scheme = authorization.substr(0, space);
  if (space != std::string_view::npos && (http::iequals(scheme, "token") || http::iequals(scheme, "Bearer"))) {
    const std::string_view token = http::trim(authorization.substr(space));
    if (is_token68(token)) {
      return {(is_jwt(token) ? "Bearer " : "token ") + std::string(token), base::sha256(token)};
    }
  }
  return {std::string(authorization), base::sha256(authorization)};
}

std::string canonical_accept(std::string_view accept) {
  constexpr std::array<std::string_view, 5> same{"*/*", "application/json", "application/vnd.github+json",
                                                 "application/vnd.github.v3+json", ""};
  accept = http::trim(accept);
  const bool usual =
      std::any_of(same.begin(), same.end(), [&](std::string_view type) { return http::iequals(accept, type); });
  return std::string(usual ? default_accept : accept);
}

base::Result<http::Origin> OriginMap::origin_of(std::string_view host) const {
  base::Result<http::Origin> origin = http::parse_authority(host, "https");
  if (!origin || is_github_api(*origin)) {
    return origin ? github_api : origin;
  }
  // The configured server by its own name keeps the configured scheme.
  const base::Result<http::Origin> named = http::parse_authority(host, github_api.scheme);
  return named && *named == github_api ? github_api : origin;
}

base::Result<CanonicalRequest> canonicalise(std::string_view method, std::string_view target,
                                            const http::Headers& headers, const OriginMap& origins) {
  if (!is_method(method)) {
    return fail(ErrorCode::invalid_input, "the method is malformed");
  }
  if (target.size() > longest_target) {
    return fail(ErrorCode::too_large, "the request target is longer than 64 KiB");
  }
  const HeaderFacts facts = look_at(headers);
  if (facts.ambiguous) {
    return fail(ErrorCode::invalid_input, "the request has two Host or two Authorization fields");
  }
  std::string absolute_target;
  const std::string_view host = facts.host != nullptr ? http::trim(*facts.host) : std::string_view();
  if (!target.starts_with('/')) {
    base::Result<http::Url> url = http::parse_url(target);
    if (!url) {
      return fail(ErrorCode::invalid_input, "the request target is neither a path nor an http or https URL");
    }
    // The absolute form would override Host (RFC 9112 section 3.2.2). Whoever looked at Host alone, to decide whether
    // the server is allowed or which token to add, would then have decided about another server: they have to agree.
    const base::Result<http::Origin> named = http::parse_authority(host, url->origin.scheme);
    if (!named || named->authority() != url->origin.authority()) {
      return fail(ErrorCode::invalid_input, "the request target names another server than Host");
    }
    absolute_target = std::move(url->target);
    target = absolute_target;
  }
  base::Result<Place> place = place_of(host, target, origins);
  if (!place) {
    return tl::unexpected(place.error().with_context("Host"));
  }

  CanonicalRequest request;
  request.method = method;
  request.origin = std::move(place->origin);
  request.target = std::move(place->target);
  CanonicalTarget canonical = canonical_target(std::string_view(request.target).substr(place->below));
  request.resource.host = request.origin.authority();
  request.resource.path = std::move(canonical.path);
  request.resource.query = std::move(canonical.query);
  request.resource.accept = canonical_accept(headers.joined("Accept"));
  const std::string_view version = http::trim(headers.get("X-GitHub-Api-Version"));
  request.resource.api_version = version.empty() ? default_api_version : version;
  request.credential = canonical_credential(facts.authorization != nullptr ? *facts.authorization : std::string_view());
  request.directives = http::parse_request_directives(headers);
  request.bypass = bypass_of(request, facts, canonical.uncertain || place->outside);
  if (request.is_read()) {
    request.key = key_of(request.resource);
  } else if (place->outside) {
    request.resource.path = "/";  // whatever is written there may show anywhere on that server
  }
  return request;
}

}  // namespace ghoard::github
