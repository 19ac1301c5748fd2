#include "cli/api/array_merger.hpp"

namespace ghoard::api {

namespace {

constexpr std::string_view space = " \t\r\n";

}  // namespace

void ArrayMerger::begin_page() {
  m_page = Page::undecided;
  m_held.clear();
}

void ArrayMerger::feed(std::string_view piece, std::string& out) {
  if (m_page == Page::other) {
    out += piece;
    return;
  }
  if (m_page == Page::undecided) {
    const std::size_t first = piece.find_first_not_of(space);
    if (first == std::string_view::npos) {
      m_held += piece;
      return;
    }
    if (piece[first] != '[') {
      m_page = Page::other;
      out += m_held;
      out += piece;
      m_held.clear();
      return;
    }
    m_page = Page::array;
    m_held.clear();
    piece.remove_prefix(first + 1);
    out += m_open ? "" : "[";
    m_open = true;
  }
  if (m_page == Page::array) {
    const std::size_t first = piece.find_first_not_of(space);
    if (first == std::string_view::npos) {
      return;
    }
    piece.remove_prefix(first);
    if (piece[0] != ']') {
      out += m_has_entries ? "," : "";
      m_has_entries = true;
      m_page = Page::entries;
    }
  }
  // All but what may turn out to be the closing bracket.
  const std::size_t last = piece.find_last_not_of(space);
  if (last == std::string_view::npos) {
    m_held += piece;
    return;
  }
  const std::size_t keep = piece[last] == ']' ? last : last + 1;
  if (keep > 0 || m_held.find(']') != std::string::npos) {
    out += m_held;
    m_held.clear();
  }
  out += piece.substr(0, keep);
  m_held += piece.substr(keep);
}

void ArrayMerger::end_page(bool is_last, std::string& out) {
  const bool is_empty = m_page == Page::array;
  const bool is_array = is_empty || m_page == Page::entries;
  if (is_array && is_last) {
    out += m_held;
    m_open = false;
  } else if (is_empty) {
    out += m_has_entries ? " " : "";
  } else if (!is_array) {
    out += m_held;
  } else if (m_held.find(']') == std::string::npos) {
    out += m_held;  // a page that does not end as an array: show it as it is
  }
  m_held.clear();
}

}  // namespace ghoard::api
