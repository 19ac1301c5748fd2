#include "core/github/canonical_target.hpp"

#include <algorithm>
#include <vector>

#include "core/github/api_path.hpp"
#include "core/http/uri.hpp"

namespace ghoard::github {

namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

void append_byte(std::string& text, unsigned byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const char c = static_cast<char>(byte);
  if (is_unreserved(c)) {
    text += c;
  } else {
    text += '%';
    text += digits[byte >> 4 & 15];
    text += digits[byte & 15];
  }
}

/// Appends what the escape at `text[at]` stands for in its one canonical spelling (RFC 3986 section 6.2.2) and answers
/// how many characters it took. A '%' that begins no escape is marked: servers differ on it.
std::size_t append_escape(std::string& into, std::string_view text, std::size_t at, bool& malformed) {
  const int high = text.size() - at >= 3 ? hex_value(text[at + 1]) : -1;
  const int low = high >= 0 ? hex_value(text[at + 2]) : -1;
  if (low < 0) {
    malformed = true;
    into += "%25";
    return 1;
  }
  append_byte(into, static_cast<unsigned>(high * 16 + low));
  return 3;
}

// ---- path ---------------------------------------------------------------------------------------

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Lower-cases one segment from `at` on, escapes excepted, and answers where the next one begins.
std::size_t lower_segment(std::string& path, std::size_t at) {
  while (at < path.size() && path[at] != '/') {
    if (path[at] == '%') {
      at = std::min(at + 3, path.size());
    } else {
      path[at] = lower(path[at]);
      ++at;
    }
  }
  return std::min(at + 1, path.size());
}

/// GitHub compares the names of owners and repositories without case.
void lower_names(std::string& path) {
  const std::size_t start = enterprise_prefix(path);
  const std::string_view below = std::string_view(path).substr(start);
  if (below.starts_with("/repos/")) {
    lower_segment(path, lower_segment(path, start + 7));
  } else if (below.starts_with("/networks/")) {
    lower_segment(path, lower_segment(path, start + 10));
  } else if (below.starts_with("/orgs/")) {
    lower_segment(path, start + 6);
  } else if (below.starts_with("/users/")) {
    lower_segment(path, start + 7);
  }
}

std::string canonical_path(std::string_view text, bool& uncertain) {
  std::string path;
  path.reserve(text.size() + 1);
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '%') {
      i += append_escape(path, text, i, uncertain);
    } else {
      path += text[i++];
    }
  }
  uncertain = uncertain || (!path.empty() && has_odd_segments(path));
  if (path.size() > 1 && path.back() == '/' && path[path.size() - 2] != '/') {
    uncertain = true;  // `matching-refs/heads/fe/` asks for another prefix than `matching-refs/heads/fe`
    path.pop_back();
  }
  if (path.empty()) {
    path = "/";
  }
  lower_names(path);
  return path;
}

// ---- query --------------------------------------------------------------------------------------

struct Pair {
  std::string text;   ///< canonical "key=value" or "key"
  std::size_t group;  ///< length of the key's part before '[': what servers assemble from several pairs
};

std::string_view group_of(const Pair& pair) {
  return std::string_view(pair.text).substr(0, pair.group);
}

Pair canonical_pair(std::string_view piece, bool& malformed) {
  Pair pair;
  pair.text.reserve(piece.size() + 8);
  bool in_value = false;
  std::size_t key_size = std::string::npos;
  for (std::size_t i = 0; i < piece.size();) {
    const char c = piece[i];
    if (c == '%') {
      i += append_escape(pair.text, piece, i, malformed);
      continue;
    }
    ++i;
    if (c == '=' && !in_value) {
      in_value = true;
      key_size = pair.text.size();
      pair.text += '=';
    } else if (c == ';') {
      pair.text += ';';  // once a separator, so not the same as its escape
    } else {
      append_byte(pair.text, c == '+' ? unsigned{' '} : static_cast<unsigned char>(c));
    }
  }
  pair.group = std::min({key_size, pair.text.find("%5B"), pair.text.size()});
  return pair;
}

/// A default spelled out is the default, if it is the only pair of its name: of several the last counts.
bool is_folded(const std::vector<Pair>& pairs, const Pair& pair) {
  if (pair.text != "page=1" && pair.text != "per_page=30") {
    return false;
  }
  return std::count_if(pairs.begin(), pairs.end(),
                       [&](const Pair& other) { return group_of(other) == group_of(pair); }) == 1;
}

/// Lists whose pages are known to hold 30 when nothing is asked; others have defaults of their own (`actions/variables`
/// 10, `notifications` 50, a comparison or a commit none), so there `per_page=30` may mean something else.
bool has_usual_pages(std::string_view path) {
  static constexpr std::string_view lists[] = {"issues",  "pulls",    "comments", "repos",   "branches",
                                               "tags",    "releases", "labels",   "commits", "runs",
                                               "jobs",    "members",  "events",   "forks",   "contributors",
                                               "reviews", "teams",    "assets",   "orgs",    "collaborators"};
  const std::string_view last = path.substr(path.rfind('/') + 1);
  return path.find("/compare/") == std::string_view::npos &&
         std::find(std::begin(lists), std::end(lists), last) != std::end(lists);
}

std::string canonical_query(std::string_view text, bool fold_defaults, bool& malformed) {
  std::vector<Pair> pairs;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    if (end > 0) {
      pairs.push_back(canonical_pair(text.substr(0, end), malformed));
    }
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  // Stable: the order of pairs with one name can mean something.
  const auto before = [](const Pair& a, const Pair& b) { return group_of(a) < group_of(b); };
  if (!std::is_sorted(pairs.begin(), pairs.end(), before)) {
    std::stable_sort(pairs.begin(), pairs.end(), before);
  }
  std::string query;
  for (const Pair& pair : pairs) {
    if (fold_defaults && is_folded(pairs, pair)) {
      continue;
    }
    if (!query.empty()) {
      query += '&';
    }
    query += pair.text;
  }
  return query;
}

}  // namespace

CanonicalTarget canonical_target(std::string_view target) {
  const auto [path, query] = http::split_target(target);
  CanonicalTarget result;
  result.path = canonical_path(path, result.uncertain);
  if (!query.empty()) {
    result.query = canonical_query(query, has_usual_pages(result.path), result.uncertain);
  }
  return result;
}

}  // namespace ghoard::github
