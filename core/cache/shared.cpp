#include "core/cache/shared.hpp"

#include <algorithm>
#include <array>

#include "core/github/api_path.hpp"

namespace ghoard::cache {

namespace {

constexpr std::size_t longest_field = 4096;
constexpr std::size_t longest_headers = 8192;  // a message holds 16 KiB beside the body
constexpr std::size_t longest_outcome = 64 * 1024;
constexpr std::size_t longest_error = 256;
/// No entry is of use for longer; what claims more is malformed.
constexpr base::Millis oldest{366LL * 24 * 3600 * 1000};

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view candidate) { return http::iequals(name, candidate); });
}

bool is_shared(std::string_view name) {
  static constexpr std::array<std::string_view, 19> names{"Content-Type",
                                                          "Content-Language",
                                                          "Content-Disposition",
                                                          "Content-Location",
                                                          "Cache-Control",
                                                          "Vary",
                                                          "Last-Modified",
                                                          "Date",
                                                          "Link",
                                                          "Location",
                                                          "Warning",
                                                          "Deprecation",
                                                          "Sunset",
                                                          "X-Poll-Interval",
                                                          "X-GitHub-Media-Type",
                                                          "X-GitHub-Api-Version-Selected",
                                                          "X-Accepted-OAuth-Scopes",
                                                          "X-Content-Type-Options",
                                                          "Access-Control-Expose-Headers"};
  return is_one_of(name, names);
}

/// Fields that say why nothing came: a limit, a scope that is missing. Only holders of the same token get them.
bool explains_refusal(std::string_view name) {
  static constexpr std::array<std::string_view, 5> names{
      "Retry-After", "X-OAuth-Scopes", "X-Accepted-GitHub-Permissions", "X-GitHub-SSO", "WWW-Authenticate"};
  constexpr std::string_view rate = "x-ratelimit-";
  return is_one_of(name, names) || http::iequals(name.substr(0, rate.size()), rate);
}

/// A control character in a field would become another field, or another answer, on the way to a client.
bool is_plain(std::string_view text) {
  return text.size() <= longest_field && std::all_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return (byte >= 0x20 && byte != 0x7f) || c == '\t';
         });
}

std::optional<http::Headers> chosen(const http::Headers& headers, bool (*wanted)(std::string_view)) {
  http::Headers result;
  std::size_t size = 0;
  for (const http::Header& field : headers) {
    if (!wanted(field.name)) {
      continue;
    }
    size += field.name.size() + field.value.size();
    if (!is_plain(field.value) || size > longest_headers) {
      return std::nullopt;
    }
    result.add(field.name, field.value);
  }
  return result;
}

bool is_refusal(int status) {
  return status >= 400 && status <= 599;
}

/// Whether the ETag can be of the class that the value claims.
bool is_plausible(const SharedValue& value) {
  const std::optional<std::string_view> etag = github::etag_value(value.etag);
  switch (value.etag_class) {
    case github::EtagClass::derivable: return etag.has_value() && github::is_hex(*etag, 64);
    case github::EtagClass::object_sha: return etag.has_value() && github::is_hex(*etag, 40);
    case github::EtagClass::opaque: return true;
  }
  return false;
}

bool is_sound(const SharedValue& value, std::uint64_t object_limit) {
  const auto is_age = [](base::Millis age) { return age >= base::Millis{0} && age <= oldest; };
  return value.status == 200 && value.body != nullptr && value.body->size() <= object_limit && is_age(value.age) &&
         is_age(value.proof_age) && is_plain(value.etag) && is_plain(value.last_modified) && is_plain(value.vary) &&
         http::trim(value.vary) != "*" && is_plausible(value);
}

}  // namespace

std::optional<http::Headers> shared_headers(const http::Headers& headers) {
  return chosen(headers, is_shared);
}

std::optional<SharedValue> to_shared(const Entry& entry, base::Millis age, base::Millis proof_age) {
  const Response& response = entry.response;
  std::optional<http::Headers> headers = shared_headers(response.headers);
  if (!headers.has_value() || age < base::Millis{0} || proof_age < base::Millis{0}) {
    return std::nullopt;
  }
  SharedValue value;
  value.status = response.status;
  value.headers = std::move(*headers);
  value.body = response.body;
  value.etag_class = response.etag_class;
  value.vary = response.vary;
  value.last_modified = response.last_modified;
  value.shareable = response.shareable;
  value.fingerprint = entry.grant.fingerprint;
  value.etag = entry.grant.etag;
  value.age = age;
  value.proof_age = proof_age;
  if (!is_sound(value, response.body->size())) {
    return std::nullopt;
  }
  return value;
}

std::optional<SharedValue> to_shared(const Entry& entry, base::WallTime now) {
  return to_shared(entry, now - entry.response.fetched_at, now - entry.grant.proven_at);
}

std::optional<Entry> entry_from(const SharedValue& value, const Resource& resource,
                                const github::LifetimeContext& context, base::WallTime now,
                                std::uint64_t object_limit) {
  std::optional<http::Headers> headers = shared_headers(value.headers);
  if (!headers.has_value() || !is_sound(value, object_limit)) {
    return std::nullopt;
  }
  const github::RouteClass& route = github::classify(resource);
  const auto lifetime = github::lifetime_of(route, resource, value.status, *headers, *value.body, context);
  if (!lifetime.has_value()) {
    return std::nullopt;
  }
  Entry entry;
  Response& response = entry.response;
  response.status = value.status;
  response.headers = std::move(*headers);
  response.body = value.body;
  response.vary = value.vary;
  response.fetched_at = now - value.age;
  response.lifetime = *lifetime;
  response.immutable = route.immutable;
  entry.grant.fingerprint = value.fingerprint;
  entry.grant.proven_at = now - value.proof_age;
  // The same two exceptions as for an own answer: a 304 would not tell enough.
  if (!github::may_hide_new_page(resource, response.headers, *response.body) &&
      !github::carries_download_token(resource, *response.body)) {
    if (github::etag_value(value.etag).has_value()) {
      entry.grant.etag = value.etag;
    }
    response.last_modified = value.last_modified;
    response.etag_class = value.etag_class;
    response.shareable =
        value.shareable && response.etag_class != github::EtagClass::opaque && !route.identity_relative;
  }
  return entry;
}

bool verify(Entry& entry, const Resource& resource, std::string_view authorization) {
  Response& response = entry.response;
  const github::EtagInputs sent{resource.accept, authorization, {}};
  const github::EtagClass seen = github::classify_etag(entry.grant.etag, response.vary, sent, *response.body);
  if (response.etag_class == github::EtagClass::derivable && seen != github::EtagClass::derivable) {
    return false;
  }
  entry.grant.unverified = false;
  response.etag_class = seen;
  response.shareable = seen != github::EtagClass::opaque && !github::classify(resource).identity_relative;
  return true;
}

SharedOutcome to_outcome(const ResponseHead* head, http::Body body, const std::optional<base::Error>& failure) {
  SharedOutcome outcome;
  if (head == nullptr || failure.has_value()) {
    outcome.error = failure.value_or(base::Error{base::ErrorCode::unavailable, "upstream sent no answer"});
    return outcome;
  }
  const auto told = [](std::string_view name) { return is_shared(name) || explains_refusal(name); };
  outcome.head = ResponseHead{head->status, chosen(head->headers, told).value_or(http::Headers{})};
  outcome.body = body != nullptr && body->size() <= longest_outcome ? std::move(body) : nullptr;
  return outcome;
}

std::optional<SharedOutcome> checked(SharedOutcome outcome) {
  if (!outcome.head.has_value()) {
    const bool plain = outcome.error.message.size() <= longest_error && is_plain(outcome.error.message);
    outcome.error.message = plain && !outcome.error.message.empty() ? outcome.error.message : "a peer's fetch failed";
    outcome.body = nullptr;
    return outcome;
  }
  if (!is_refusal(outcome.head->status) || (outcome.body != nullptr && outcome.body->size() > longest_outcome)) {
    return std::nullopt;
  }
  return to_outcome(&*outcome.head, std::move(outcome.body), std::nullopt);
}

}  // namespace ghoard::cache
