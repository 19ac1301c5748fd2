#include "core/github/rate.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "core/github/api_path.hpp"

namespace ghoard::github {

namespace {

constexpr std::size_t most_tokens = 256;
constexpr std::size_t most_resources = 32;
constexpr std::size_t longest_resource = 64;
constexpr std::size_t longest_message = 4096;
constexpr std::int64_t latest_reset = 253'402'300'799;  // the end of year 9999, the last an HTTP-date can name
/// GitHub's servers differ by a second or two about when one window ends.
constexpr base::Seconds same_window{5};
/// No window is longer; a line that claims otherwise would block all later ones.
constexpr base::Seconds longest_window{25 * 3600};

std::optional<std::int64_t> number(const http::Headers& headers, std::string_view name) {
  const std::string_view text = http::trim(headers.get(name));
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0) {
    return std::nullopt;
  }
  return value;
}

bool is_resource_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_resource && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

/// `needle` is lower case.
bool contains_without_case(std::string_view text, std::string_view needle) {
  return std::search(text.begin(), text.end(), needle.begin(), needle.end(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         }) != text.end();
}

bool names_a_limit(std::string_view body) {
  const std::string_view start = body.substr(0, longest_message);
  return contains_without_case(start, "secondary rate limit") || contains_without_case(start, "abuse detection") ||
         contains_without_case(start, "api rate limit exceeded");
}

/// What two answers say of one budget.
void merge(RateBook::Line& line, RateObservation&& rate, base::WallTime now) {
  const bool implausible = line.rate.reset > now + longest_window;
  if (!implausible && rate.reset + same_window < line.rate.reset) {
    return;  // an answer that was under way while the window ended
  }
  if (!implausible && rate.reset <= line.rate.reset + same_window) {
    rate.remaining = std::min(rate.remaining, line.rate.remaining);
    rate.used = std::max(rate.used, line.rate.used);
    rate.reset = std::max(rate.reset, line.rate.reset);
  }
  line.rate = std::move(rate);
  line.seen = std::max(line.seen, now);
}

bool same_token(const RateBook::Line& line, std::string_view host, const Fingerprint& fingerprint) {
  return line.fingerprint == fingerprint && line.host == host;
}

void drop_oldest_resource(std::vector<RateBook::Line>& lines, std::string_view host, const Fingerprint& fingerprint) {
  auto oldest = lines.end();
  for (auto line = lines.begin(); line != lines.end(); ++line) {
    if (same_token(*line, host, fingerprint) && (oldest == lines.end() || line->seen < oldest->seen)) {
      oldest = line;
    }
  }
  if (oldest != lines.end()) {
    lines.erase(oldest);
  }
}

/// The token that was heard of least recently goes, with all its lines.
void drop_oldest_token(std::vector<RateBook::Line>& lines) {
  using Token = std::pair<std::string, Fingerprint>;
  std::map<Token, base::WallTime> last_seen;
  for (const RateBook::Line& line : lines) {
    base::WallTime& seen = last_seen.try_emplace({line.host, line.fingerprint}, line.seen).first->second;
    seen = std::max(seen, line.seen);
  }
  if (last_seen.size() < most_tokens) {
    return;
  }
  const auto oldest = std::min_element(last_seen.begin(), last_seen.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
  const Token& token = oldest->first;
  std::erase_if(lines, [&](const RateBook::Line& line) { return same_token(line, token.first, token.second); });
}

}  // namespace

std::optional<RateObservation> parse_rate(const http::Headers& headers) {
  const std::optional<std::int64_t> limit = number(headers, "x-ratelimit-limit");
  const std::optional<std::int64_t> remaining = number(headers, "x-ratelimit-remaining");
  if (!limit || !remaining) {
    return std::nullopt;
  }
  RateObservation rate;
  const std::string_view resource = http::trim(headers.get("x-ratelimit-resource"));
  rate.resource = is_resource_name(resource) ? resource : "core";
  rate.limit = *limit;
  rate.remaining = *remaining;
  rate.used = number(headers, "x-ratelimit-used").value_or(std::max<std::int64_t>(*limit - *remaining, 0));
  const std::int64_t reset = std::min(number(headers, "x-ratelimit-reset").value_or(0), latest_reset);
  rate.reset = base::WallTime{base::Seconds{reset}};
  return rate;
}

void RateBook::observe(std::string_view host, const Fingerprint& fingerprint, RateObservation rate,
                       base::WallTime now) {
  std::size_t resources = 0;
  for (Line& line : m_lines) {
    if (!same_token(line, host, fingerprint)) {
      continue;
    }
    if (line.rate.resource == rate.resource) {
      merge(line, std::move(rate), now);
      return;
    }
    ++resources;
  }
  if (resources == 0) {
    drop_oldest_token(m_lines);
  } else if (resources >= most_resources) {
    drop_oldest_resource(m_lines, host, fingerprint);
  }
  m_lines.push_back({std::string(host), fingerprint, std::move(rate), now});
}

std::vector<RateBook::Line> RateBook::lines() const {
  return m_lines;
}

bool is_limited(int status, const http::Headers& headers, std::string_view body) {
  if (status == 429) {
    return true;
  }
  if (status != 403) {
    return false;
  }
  return headers.contains("Retry-After") || number(headers, "x-ratelimit-remaining") == 0 || names_a_limit(body);
}

bool costs_quota(int status, bool anonymous, std::string_view path) {
  const std::string_view below = path.substr(enterprise_prefix(path));
  return below != "/rate_limit" && (status != 304 || anonymous);
}

}  // namespace ghoard::github
