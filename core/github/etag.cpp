#include "core/github/etag.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/github/api_path.hpp"

namespace ghoard::github {

namespace {

constexpr base::Seconds breaker_window{60};
constexpr base::Seconds breaker_pause{3600};
constexpr int breaker_threshold = 10;

/// Whether a Vary field value names `header`.
bool names(std::string_view vary, std::string_view header) {
  while (!vary.empty()) {
    const std::size_t end = std::min(vary.find(','), vary.size());
    if (http::iequals(http::trim(vary.substr(0, end)), header)) {
      return true;
    }
    vary.remove_prefix(std::min(vary.size(), end + 1));
  }
  return false;
}

bool is_etag_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

/// Takes one entity-tag (RFC 9110 section 8.8.3) from the left of `text`; nothing if there is none.
std::optional<std::string_view> take_tag(std::string_view& text) {
  std::string_view rest = text;
  if (rest.starts_with("W/")) {
    rest.remove_prefix(2);
  }
  if (!rest.starts_with('"')) {
    return std::nullopt;
  }
  const std::size_t end = rest.find('"', 1);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view opaque = rest.substr(1, end - 1);
  if (!std::all_of(opaque.begin(), opaque.end(), is_etag_char)) {
    return std::nullopt;
  }
  text = rest.substr(end + 1);
  return opaque;
}

}  // namespace

std::string derive_etag(std::string_view vary, const EtagInputs& sent, std::string_view body) {
  const std::array<std::pair<std::string_view, std::string_view>, 3> terms{
      {{"Accept", sent.accept}, {"Authorization", sent.authorization}, {"Cookie", sent.cookie}}};
  base::Sha256 hash;
  for (const auto& [header, value] : terms) {
    if (!value.empty() && names(vary, header)) {
      hash.update(value).update(":");
    }
  }
  return hash.update(body).finish().hex();
}

std::optional<std::string_view> etag_value(std::string_view field_value) {
  std::string_view text = http::trim(field_value);
  const std::optional<std::string_view> opaque = take_tag(text);
  if (!opaque || opaque->empty() || !text.empty()) {
    return std::nullopt;
  }
  return opaque;
}

bool if_none_match_matches(std::string_view if_none_match, std::string_view etag) {
  const std::optional<std::string_view> wanted = etag_value(etag);
  std::string_view rest = http::trim(if_none_match);
  if (rest == "*") {
    return true;
  }
  while (wanted && !rest.empty()) {
    if (rest.front() == ',' || rest.front() == ' ' || rest.front() == '\t') {
      rest.remove_prefix(1);
      continue;
    }
    const std::optional<std::string_view> opaque = take_tag(rest);
    if (!opaque) {
      return false;
    }
    if (*opaque == *wanted) {
      return true;
    }
  }
  return false;
}

EtagClass classify_etag(std::string_view etag_field, std::string_view vary, const EtagInputs& sent,
                        std::string_view body) {
  const std::optional<std::string_view> value = etag_value(etag_field);
  if (!value) {
    return EtagClass::opaque;
  }
  if (is_hex(*value, 40)) {
    return EtagClass::object_sha;
  }
  if (is_hex(*value, 64) && *value == derive_etag(vary, sent, body)) {
    return EtagClass::derivable;
  }
  return EtagClass::opaque;
}

void DriftBreaker::observe(EtagClass expected, EtagClass seen, base::MonoTime now) {
  if (expected != EtagClass::derivable || seen == EtagClass::derivable || !may_derive(now)) {
    return;
  }
  if (m_mismatches == 0 || now - m_window_start > breaker_window) {
    m_window_start = now;
    m_mismatches = 0;
  }
  if (++m_mismatches > breaker_threshold) {
    m_open_until = now + breaker_pause;
    m_mismatches = 0;
  }
}

bool DriftBreaker::may_derive(base::MonoTime now) const {
  return now >= m_open_until;
}

}  // namespace ghoard::github
