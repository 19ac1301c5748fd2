#include "core/github/api_path.hpp"

#include <algorithm>

namespace ghoard::github {

ApiPath::ApiPath(std::string_view path) {
  const std::size_t skip = enterprise_prefix(path);
  m_prefix = path.substr(0, skip);
  path.remove_prefix(skip);
  while (!path.empty()) {
    path.remove_prefix(path.front() == '/' ? 1 : 0);
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end == path.size() && end == 0) {
      break;  // the slash at the end
    }
    if (m_count == most_segments) {
      m_cut = true;
      break;
    }
    m_segments[m_count++] = path.substr(0, end);
    path.remove_prefix(end);
  }
  find_scope();
}

void ApiPath::find_scope() {
  if (m_count < 2) {
    return;
  }
  const std::string_view head = m_segments[0];
  if (head == "repos" && m_count >= 3) {
    m_scope = Scope::repository;
    m_scope_size = 3;
    m_named = true;
  } else if (head == "repositories") {
    m_scope = Scope::repository;
    m_scope_size = 2;
  } else if (head == "orgs" || head == "organizations") {
    m_scope = Scope::organisation;
    m_scope_size = 2;
    m_named = head == "orgs";
  } else if (head == "users") {
    m_scope = Scope::user;
    m_scope_size = 2;
    m_named = true;
  }
}

std::size_t enterprise_prefix(std::string_view path) {
  for (const std::string_view prefix : {std::string_view("/api/v3"), std::string_view("/api/uploads")}) {
    if (path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/')) {
      return prefix.size();
    }
  }
  return 0;
}

bool has_odd_segments(std::string_view path) {
  if (!path.starts_with('/')) {
    return true;
  }
  path.remove_prefix(1);
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    if (segment.empty() || segment == "." || segment == "..") {
      return true;
    }
    path.remove_prefix(std::min(path.size(), end + 1));
  }
  return false;
}

bool is_hex(std::string_view text, std::size_t size) {
  return text.size() == size && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

}  // namespace ghoard::github
