#include "cli/api/array_merger.hpp"

namespace ghoard::api {

namespace {

constexpr std::string_view space = " \t\r\n";
constexpr std::size_t longest_held = 1U << 20;  // nobody sends more white space than that

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
    m_page = piece[0] == ']' ? Page::empty : Page::entries;
    if (m_page == Page::entries) {
      out += m_has_entries ? "," : "";
      m_has_entries = true;
    }
  }
  hold_end(piece, out);
}

// Lets through all but white space and a bracket that may turn out to close the page.
void ArrayMerger::hold_end(std::string_view piece, std::string& out) {
  std::string joined;
  if (!m_held.empty()) {
    joined = m_held;
    joined += piece;
    piece = joined;
  }
  std::size_t last = piece.find_last_not_of(space);
  if (last != std::string_view::npos && piece[last] == ']') {
    last = last == 0 ? std::string_view::npos : piece.find_last_not_of(space, last - 1);
  }
  const std::size_t end = last == std::string_view::npos ? 0 : last + 1;
  const std::size_t certain = piece.size() - end > longest_held ? piece.size() : end;
  out += piece.substr(0, certain);
  m_held = piece.substr(certain);
}

void ArrayMerger::end_page(bool is_last, std::string& out) {
  const bool is_empty = m_page == Page::array || m_page == Page::empty;
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
