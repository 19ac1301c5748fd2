#pragma once

#include <string>
#include <string_view>

namespace ghoard::api {

/// Joins the pages of a list into one JSON array without reading them: `[1,2]`, `[]`, `[3]` become `[1,2 ,3]`. Pages
/// that are no arrays pass unchanged. Bytes go through as they come; only a page's end is held back.
class ArrayMerger {
 public:
  /// Between `begin_page` and `end_page`, `feed` takes the page in pieces. What is certain is appended to `out`.
  void begin_page();
  void feed(std::string_view piece, std::string& out);
  void end_page(bool is_last, std::string& out);

 private:
  enum class Page { undecided, array, empty, entries, other };

  void hold_end(std::string_view piece, std::string& out);

  bool m_open = false;         // a '[' was written, its ']' was not
  bool m_has_entries = false;  // something stands in the open array
  Page m_page = Page::undecided;
  std::string m_held;  // white space and a ']' that may be the page's last
};

}  // namespace ghoard::api
