#include "core/mesh/shared_headers.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace ghoard::mesh {

namespace {

constexpr std::array<std::string_view, 28> of_answers{"access-control-allow-origin",
                                                      "access-control-expose-headers",
                                                      "cache-control",
                                                      "content-disposition",
                                                      "content-language",
                                                      "content-location",
                                                      "content-security-policy",
                                                      "content-type",
                                                      "date",
                                                      "deprecation",
                                                      "last-modified",
                                                      "link",
                                                      "location",
                                                      "referrer-policy",
                                                      "server",
                                                      "strict-transport-security",
                                                      "sunset",
                                                      "vary",
                                                      "warning",
                                                      "x-commonmarker-version",
                                                      "x-content-type-options",
                                                      "x-frame-options",
                                                      "x-github-api-version-selected",
                                                      "x-github-enterprise-version",
                                                      "x-github-media-type",
                                                      "x-poll-interval",
                                                      "x-total-count",
                                                      "x-xss-protection"};

constexpr std::array<std::string_view, 9> of_outcomes{
    "retry-after",       "x-accepted-github-permissions", "x-accepted-oauth-scopes", "x-github-sso",
    "x-ratelimit-limit", "x-ratelimit-remaining",         "x-ratelimit-reset",       "x-ratelimit-resource",
    "x-ratelimit-used"};

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view candidate) { return http::iequals(name, candidate); });
}

template <typename Allowed>
http::Headers filtered(const http::Headers& headers, Allowed allowed) {
  http::Headers result;
  for (const http::Header& field : headers) {
    if (result.size() < most_header_fields && allowed(field.name) && field.value.size() <= longest_header_value &&
        is_field_value(field.value)) {
      result.add(field.name, field.value);
    }
  }
  return result;
}

}  // namespace

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

http::Headers shareable_headers(const http::Headers& headers) {
  return filtered(headers, [](std::string_view name) { return is_one_of(name, of_answers); });
}

http::Headers outcome_headers(const http::Headers& headers) {
  return filtered(headers,
                  [](std::string_view name) { return is_one_of(name, of_answers) || is_one_of(name, of_outcomes); });
}

}  // namespace ghoard::mesh
